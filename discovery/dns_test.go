package discovery_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// nameServer is a name server on loopback.
type nameServer struct {
	mu      sync.Mutex
	broken  bool // answer SERVFAIL
	records map[string][]dnsmessage.ResourceBody
}

// newNameServer starts a name server that stops at the end of the test, and
// returns it with a resolver that uses it.
func newNameServer(t *testing.T) (*nameServer, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	s := &nameServer{records: make(map[string][]dnsmessage.ResourceBody)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := s.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *nameServer) set(name string, records ...dnsmessage.ResourceBody) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[name+"."] = records
}

func (s *nameServer) setBroken(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *nameServer) answer(query []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	records, known := s.records[strings.ToLower(q.Name.String())]
	r := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	switch {
	case s.broken:
		r.RCode = dnsmessage.RCodeServerFailure
	case !known:
		r.RCode = dnsmessage.RCodeNameError
	default:
		for _, body := range records {
			if typeOf(body) == q.Type {
				r.Answers = append(r.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}, Body: body})
			}
		}
	}
	b, err := r.Pack()
	if err != nil {
		return nil
	}
	return b
}

func typeOf(body dnsmessage.ResourceBody) dnsmessage.Type {
	switch body.(type) {
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	default:
		return dnsmessage.TypeSRV
	}
}

func ip(text string) dnsmessage.ResourceBody {
	if a := netip.MustParseAddr(text); a.Is6() {
		return &dnsmessage.AAAAResource{AAAA: a.As16()}
	} else {
		return &dnsmessage.AResource{A: a.As4()}
	}
}

func srv(priority, weight, port uint16, target string) dnsmessage.ResourceBody {
	return &dnsmessage.SRVResource{Priority: priority, Weight: weight, Port: port, Target: dnsmessage.MustNewName(target)}
}

const often = 20 * time.Millisecond

// Names are resolved again at each interval. A name that cannot be resolved, or
// has no records, keeps its endpoints and does not hold up the other names.
func TestDNSFollowsNames(t *testing.T) {
	s, resolver := newNameServer(t)
	s.set("one.test", ip("10.0.0.2"), ip("10.0.0.1"), ip("fd00::1"))
	s.set("two.test", ip("fd00::2"), ip("10.0.0.9"))
	l := listen(t, &discovery.DNS{
		Addrs: []multiaddr.Multiaddr{
			maddr("/dns4/one.test/tcp/9094"), maddr("/dns6/two.test/tcp/443/https"), maddr("/dns/none.test/tcp/9094"), maddr("/ip4/10.0.0.1/tcp/9094"), maddr("/ip4/10.0.0.7/tcp/9094"),
		},
		Template: &config.Config{Resolver: resolver},
		Interval: often,
	})
	l.await(t, "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094", "/ip6/fd00::2/tcp/443/https", "/ip4/10.0.0.7/tcp/9094")
	cfgs, n := l.last()
	if n != 1 || cfgs[2].TLS.ServerName != "two.test" || cfgs[0].TLS.ServerName != "" {
		t.Errorf("reported %d times, names %q and %q", n, cfgs[0].TLS.ServerName, cfgs[2].TLS.ServerName)
	}
	s.set("one.test")
	s.set("none.test", ip("10.0.0.8"))
	l.await(t, "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094", "/ip6/fd00::2/tcp/443/https", "/ip4/10.0.0.8/tcp/9094", "/ip4/10.0.0.7/tcp/9094")
	if later, _ := l.last(); later[1] != cfgs[1] {
		t.Error("an endpoint that stayed has another configuration")
	}
	s.setBroken(true)
	s.set("one.test", ip("10.0.0.3"))
	s.setBroken(false)
	l.await(t, "/ip4/10.0.0.3/tcp/9094", "/ip6/fd00::2/tcp/443/https", "/ip4/10.0.0.8/tcp/9094", "/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.7/tcp/9094")
}

const (
	id1 = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"
	id2 = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"
)

// A peer with several records is one endpoint, which the transport resolves
// when it dials.
func TestDNSAddr(t *testing.T) {
	fail := make(chan error, 1)
	d := &discovery.DNS{
		Addrs: []multiaddr.Multiaddr{maddr("/dnsaddr/cluster.test")},
		ResolveDNSAddr: func(_ context.Context, addr multiaddr.Multiaddr, r *net.Resolver) ([]multiaddr.Multiaddr, error) {
			if addr.String() != "/dnsaddr/cluster.test" || r != net.DefaultResolver {
				t.Errorf("asked for %s with %v", addr, r)
			}
			select {
			case err := <-fail:
				return []multiaddr.Multiaddr{maddr(a2)}, err
			default:
			}
			return []multiaddr.Multiaddr{
				maddr("/ip4/10.0.0.1/tcp/9096/p2p/" + id1), maddr("/ip4/10.0.0.1/udp/9096/quic-v1/p2p/" + id1),
				maddr("/dns4/x.test/tcp/9096/p2p/" + id2), maddr(a1),
			}, nil
		},
		Interval: often,
	}
	fail <- errors.New("broken")
	l := listen(t, d)
	l.await(t, "/dnsaddr/cluster.test/p2p/"+id1, "/dnsaddr/cluster.test/p2p/"+id2, a1)
}

// Records become endpoints sorted by priority, with their weights.
func TestSRV(t *testing.T) {
	s, resolver := newNameServer(t)
	s.set("_api._tcp.test", srv(20, 0, 443, "c.test."), srv(10, 1, 443, "b.test."), srv(10, 3, 444, "a.test."))
	l := listen(t, &discovery.SRV{Name: "_api._tcp.test", Suffix: "/https", Template: &config.Config{Resolver: resolver}, Interval: often})
	l.await(t, "/dns/a.test/tcp/444/https", "/dns/b.test/tcp/443/https", "/dns/c.test/tcp/443/https")
	cfgs, _ := l.last()
	if cfgs[0].Weight != 3 || cfgs[1].Weight != 1 || cfgs[2].Weight != 0 {
		t.Errorf("weights %d, %d, %d", cfgs[0].Weight, cfgs[1].Weight, cfgs[2].Weight)
	}
	s.set("_api._tcp.test", srv(0, 0, 0, "."))
	s.set("_api._tcp.test", srv(20, 0, 443, "c.test."), srv(10, 1, 443, "b.test."))
	l.await(t, "/dns/b.test/tcp/443/https", "/dns/c.test/tcp/443/https")
}

// CoreDNS gives each of n pods the weight 100/n. A pod that goes must not replace the
// endpoints of the others, which would lose their connections and their health.
func TestSRVWeightsOfPods(t *testing.T) {
	s, resolver := newNameServer(t)
	s.set("_api._tcp.test", srv(0, 33, 9094, "a.test."), srv(0, 33, 9094, "b.test."), srv(0, 33, 9094, "c.test."))
	l := listen(t, &discovery.SRV{Name: "_api._tcp.test", Template: &config.Config{Resolver: resolver}, Interval: often})
	l.await(t, "/dns/a.test/tcp/9094", "/dns/b.test/tcp/9094", "/dns/c.test/tcp/9094")
	before, _ := l.last()
	s.set("_api._tcp.test", srv(0, 50, 9094, "a.test."), srv(0, 50, 9094, "b.test."))
	l.await(t, "/dns/a.test/tcp/9094", "/dns/b.test/tcp/9094")
	if after, _ := l.last(); after[0] != before[0] || after[1] != before[1] || after[0].Weight != 1 {
		t.Errorf("%v was replaced by %v", before[:2], after)
	}
	s.set("_api._tcp.test", srv(0, 10, 9094, "a.test."), srv(0, 0, 9094, "b.test."), srv(0, 20, 9094, "d.test."))
	l.await(t, "/dns/d.test/tcp/9094", "/dns/a.test/tcp/9094", "/dns/b.test/tcp/9094")
	if cfgs, _ := l.last(); cfgs[0].Weight != 20 || cfgs[1].Weight != 10 || cfgs[2].Weight != 0 {
		t.Errorf("weights %d, %d, %d", cfgs[0].Weight, cfgs[1].Weight, cfgs[2].Weight)
	}
}

// Invalid settings are reported at once.
func TestDNSRefuses(t *testing.T) {
	for name, src := range map[string]discovery.Source{
		"no addresses":   &discovery.DNS{},
		"ResolveDNSAddr": &discovery.DNS{Addrs: []multiaddr.Multiaddr{maddr("/dnsaddr/a")}},
		"/udp":           &discovery.DNS{Addrs: []multiaddr.Multiaddr{maddr("/dns4/a/udp/1")}},
		"interval":       &discovery.DNS{Addrs: []multiaddr.Multiaddr{maddr(a1)}, Interval: -1},
		"no name":        &discovery.SRV{},
		"suffix":         &discovery.SRV{Name: "a", Suffix: "/udp/1"},
		"Interval":       &discovery.SRV{Name: "a", Interval: -1},
	} {
		err := src.Watch(t.Context(), nil)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
