package discovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

const peers = "/clusters/main/peers"

// inBubble runs test on virtual time with a service of three nodes. dial
// returns a new client of the service.
func inBubble(t *testing.T, test func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := pyxistest.New(t, pyxistest.Options{Nodes: 3, Network: pyxistest.Memory, CommitDelay: 50 * time.Millisecond})
		test(t, s, func() *pyxis.Client {
			c := pyxis.NewClient(s.Addrs(), &pyxis.Options{Dial: s.DialContext})
			t.Cleanup(func() { _ = c.Close() })
			return c
		})
	})
}

// Endpoints appear when announced and disappear when withdrawn, with the
// template's settings and their own weight. An unchanged endpoint keeps its
// pointer.
func TestRegistryFollowsAnnouncements(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		l := listen(t, &discovery.Registry{
			Client: dial(), Path: peers,
			Template: &config.Config{UserAgent: "test", TokenFunc: func(context.Context) (string, error) { return "", nil }},
		})
		b, err := discovery.Announce(t.Context(), dial(), peers, "b", discovery.Endpoint{Addr: maddr("/ip4/10.0.0.2/tcp/9094"), Weight: 3}, nil)
		must(t, err)
		l.expect(t, "/ip4/10.0.0.2/tcp/9094")
		first, _ := l.last()
		if first[0].Weight != 3 || first[0].UserAgent != "test" {
			t.Errorf("got %v", first[0])
		}
		a, err := discovery.Announce(t.Context(), dial(), peers, "a", discovery.Endpoint{Addr: maddr("/ip4/10.0.0.1/tcp/9094")}, nil)
		must(t, err)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")
		if both, _ := l.last(); both[1] != first[0] {
			t.Error("an endpoint that stayed has another configuration")
		}
		data, err := discovery.Endpoint{Addr: maddr("/ip4/10.0.0.2/tcp/9094"), Weight: 5}.MarshalJSON()
		must(t, err)
		b.Set(data)
		time.Sleep(time.Second)
		if both, _ := l.last(); len(both) != 2 || both[1].Weight != 5 {
			t.Errorf("the new weight was not reported: %v", both)
		}
		must(t, b.Close())
		l.expect(t, "/ip4/10.0.0.1/tcp/9094")
		must(t, a.Close())
		time.Sleep(time.Minute)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094") // the last endpoint stays
	})
}

// An announcement is reported within a second, even across a change of leader.
// The announcement of a crashed process disappears with its session.
func TestRegistryIsQuick(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		l := listen(t, &discovery.Registry{Client: dial(), Path: peers})
		pc := dial()
		_, err := pc.Sid()
		must(t, err)
		must(t, s.MoveLeader(1))
		begin := time.Now()
		a, err := discovery.Announce(t.Context(), pc, peers, "a", discovery.Endpoint{Addr: maddr("/ip4/10.0.0.1/tcp/9094")}, nil)
		must(t, err)
		b, err := discovery.Announce(t.Context(), dial(), peers, "b", discovery.Endpoint{Addr: maddr("/ip4/10.0.0.2/tcp/9094")}, nil)
		must(t, err)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")
		if d := time.Since(begin); d > time.Second {
			t.Errorf("took %v", d)
		}
		must(t, pc.Close())
		l.expect(t, "/ip4/10.0.0.2/tcp/9094")
		must(t, a.Close())
		must(t, b.Close())
	})
}

// Nodes that are not announcements are left out and do not affect the others.
func TestRegistryLeavesGarbageOut(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		must(t, s.Create("/r", []byte(`{"addr":"/ip4/10.0.0.99/tcp/9094"}`)))
		for name, data := range map[string]string{
			"a": ``, "b": `{`, "c": `{"addr":""}`, "d": `{"addr":"/ip4/10.0.0.1"}`, "e": `{"addr":"/ip4/10.0.0.1/tcp/9094","weight":-1}`,
			"f": `{"addr":"/ip4/10.0.0.1/udp/9094"}`, "g": `{"addr":"/ip4/10.0.0.7/tcp/9094","region":"eu"}`, "h": `{"addr":"/ip4/10.0.0.7/tcp/9094/http"}`,
			"i": `{"addr":"/ip4/10.0.0.8/tcp/9094","x":"` + strings.Repeat("x", 4<<10) + `"}`, "_j": `{"addr":"/ip4/10.0.0.9/tcp/9094"}`,
			"k": `{"addr":"/ip4/10.0.0.1/tcp/9094","weight":1e9}`,
		} {
			must(t, s.Create("/r/"+name, []byte(data)))
		}
		must(t, s.Create("/r/g/below", []byte(`{"addr":"/ip4/10.0.0.98/tcp/9094"}`)))
		l := listen(t, &discovery.Registry{Client: dial(), Path: "/r"})
		time.Sleep(time.Second)
		l.expect(t, "/ip4/10.0.0.7/tcp/9094")
	})
}

// The registry is still watched after a session has ended and the whole service
// was down. No announcement is lost meanwhile.
func TestRegistrySurvivesOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		must(t, s.Create("/r", nil))
		must(t, s.Create("/r/a", []byte(`{"addr":"/ip4/10.0.0.1/tcp/9094"}`)))
		l := listen(t, &discovery.Registry{Client: dial(), Path: "/r"})
		time.Sleep(time.Second)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094")
		for _, n := range s.Nodes() {
			n.Stop()
		}
		time.Sleep(10 * time.Minute)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094")
		for _, n := range s.Nodes() {
			must(t, n.Start())
		}
		time.Sleep(5 * time.Second)
		must(t, s.Create("/r/b", []byte(`{"addr":"/ip4/10.0.0.2/tcp/9094"}`)))
		time.Sleep(10 * time.Second)
		l.expect(t, "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")
		if _, n := l.last(); n != 2 {
			t.Errorf("reported %d times, want 2", n)
		}
	})
}

// Watch fails without a client, and when the client is closed.
func TestRegistryFails(t *testing.T) {
	if err := (&discovery.Registry{}).Watch(t.Context(), nil); err == nil {
		t.Error("no error without a client")
	}
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		c := dial()
		l := listen(t, &discovery.Registry{Client: c, Path: "/r"})
		synctest.Wait()
		must(t, c.Close())
		if err := <-l.done; !errors.Is(err, pyxis.ErrClosed) {
			t.Errorf("got %v, want that the client is closed", err)
		}
	})
}

// An endpoint that no client could use is not announced.
func TestAnnounceRefuses(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		good := discovery.Endpoint{Addr: maddr("/ip4/10.0.0.1/tcp/9094")}
		for _, test := range []struct {
			name string
			e    discovery.Endpoint
		}{
			{"", good}, {"_a", good}, {"a/b", good}, {"a b", good},
			{"a", discovery.Endpoint{}},
			{"a", discovery.Endpoint{Addr: good.Addr, Weight: -1}},
			{"a", discovery.Endpoint{Addr: maddr("/ip4/10.0.0.1/udp/1")}},
		} {
			if _, err := discovery.Announce(t.Context(), dial(), peers, test.name, test.e, nil); err == nil {
				t.Errorf("%q, %v: announced", test.name, test.e)
			}
		}
	})
}

// E10: the text of an announcement, of up to 4 KiB and with escapes, came raw into the
// value of a log's record.
func TestRegistryLogsOneLine(t *testing.T) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		must(t, s.Create("/r", nil))
		must(t, s.Create("/r/a", []byte(`{"addr":"/ip4/\u001b[2J\nlevel=error`+strings.Repeat("x", 3<<10)+`"}`)))
		var text bytes.Buffer
		listen(t, &discovery.Registry{Client: dial(), Path: "/r", Logger: slog.New(slog.NewJSONHandler(&text, nil))})
		time.Sleep(time.Second)
		synctest.Wait()
		var record struct{ Msg, Error string }
		if err := json.Unmarshal(bytes.SplitN(text.Bytes(), []byte("\n"), 2)[0], &record); err != nil {
			t.Fatal(err)
		}
		if record.Msg != "announcement left out" || len(record.Error) > 600 || strings.ContainsFunc(record.Error, unicode.IsControl) {
			t.Errorf("%s: %d bytes, %.100q", record.Msg, len(record.Error), record.Error)
		}
	})
}
