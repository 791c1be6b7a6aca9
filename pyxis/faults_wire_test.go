package pyxis_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// dialLog is an Options.Dial that records the addresses.
type dialLog struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	mu   sync.Mutex
	all  []string
}

func (l *dialLog) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	l.all = append(l.all, addr)
	l.mu.Unlock()
	return l.dial(ctx, network, addr)
}

// take returns the addresses dialled since the last call.
func (l *dialLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

func TestP17_PeerThatStopsReadingBlocksNobodyElse(t *testing.T) {
	// P17: locks were held during a write to the socket. A peer that stopped
	// reading blocked Sid, the events, and every call despite its deadline.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		sid, err := c.Sid()
		must(t, err)
		s.Node(0).Mute()
		big := make([]byte, 1<<20)
		for range 10 { // far more than the socket and the queue hold
			go within(t, c, time.Second).Write(nil, "/", big)
		}
		synctest.Wait()
		if d := elapsed(func() {
			if got, err := c.Sid(); got != sid || err != nil {
				t.Errorf("Sid: %d, %v", got, err)
			}
			c.Session()
			c.Notify(&pyxis.Watcher{Done: make(chan *watch.Event, 1)})()
			mustBe(t, within(t, c, time.Second).Write(nil, "/", big), context.DeadlineExceeded)
		}); d != time.Second {
			t.Errorf("it took %v", d)
		}
		s.Node(0).Unmute()
	})
}

func TestP19_NoAddresses(t *testing.T) {
	// P19: nil options panicked, an empty list of addresses killed the process
	// from a goroutine, and a nil list made a nil client.
	for _, addrs := range [][]string{nil, {}} {
		c := pyxis.NewClient(addrs, nil)
		mustBe(t, c.Create(nil, "/x", nil), pyxis.ErrInvalidArgument)
		_, err := c.Sid()
		mustBe(t, err, pyxis.ErrInvalidArgument)
		for _, err := range c.Watch(nil, "/") {
			mustBe(t, err, pyxis.ErrInvalidArgument)
		}
		must(t, c.Close())
		mustBe(t, c.Create(nil, "/x", nil), pyxis.ErrClosed)
	}
}

func TestP20_HugeFrameIsRefused(t *testing.T) {
	// P20: the client allocated the announced length, up to 4 GiB, before any
	// check. (The tests of pyxiswire show that memory grows only with the received
	// bytes.)
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", nil))
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Write, Times: 1, Effect: pyxistest.HugeLength()})
		mustBe(t, c.Write(nil, "/x", nil), pyxis.ErrConnectionLost, pyxiswire.ErrLength)
		_, err := c.Read(nil, "/x", nil)
		must(t, err)
		events.expect(t, "Connected", "Disconnected", "Connected")
	})
}

func TestP21_WriteNil(t *testing.T) {
	// P21: Write with nil data failed in the client: a required field was not set.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", []byte("data")))
		must(t, c.Write(nil, "/x", nil))
		if n, _ := s.Get("/x"); len(n.Data) != 0 || n.Version != 1 {
			t.Errorf("/x is %+v", n)
		}
	})
}

func TestP22_ErrorsCanBeTested(t *testing.T) {
	// P22: connection errors were whatever a library returned, and the server's
	// error text was lost.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Create, Times: 1, Effect: pyxistest.Cut()})
		err := c.Create(nil, "/x", nil)
		mustBe(t, err, pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown)
		if !mentions(err, "outcome unknown") || !mentions(err, "connection lost: ") {
			t.Errorf("text %v", err)
		}
		for code, want := range map[pyxistest.Code]error{
			pyxistest.CodeNotFound: pyxis.ErrNotFound, pyxistest.CodeInvalidArgument: pyxis.ErrInvalidArgument,
			pyxistest.CodeInternal: pyxis.ErrInternal, pyxistest.CodeExist: pyxis.ErrExists,
			pyxistest.CodeAgain: pyxis.ErrAgain, pyxistest.CodeSessionExpired: pyxis.ErrSessionExpired, 77: pyxis.ErrUnknown,
		} {
			s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Create, Times: 1, Effect: pyxistest.Fail(code, "what it says")})
			err := c.Create(nil, "/x", nil)
			mustBe(t, err, want)
			var e *pyxis.Error
			if !errors.As(err, &e) || e.Op != "create" || e.Path != "/x" || e.Code != int(code) || e.Text != "what it says" {
				t.Errorf("code %d: %#v", code, err)
			}
			if unknown := errors.Is(err, pyxis.ErrOutcomeUnknown); unknown != (code == pyxistest.CodeAgain) {
				t.Errorf("code %d: outcome unknown is %v", code, unknown)
			}
		}
	})
}

func TestP23_RedirectsAreBounded(t *testing.T) {
	// P23: after a rejection without an address the same server was asked for
	// ever. An address in a rejection was always followed, even the server's own.
	for name, hint := range map[string]func(s *pyxistest.Cluster, i int) string{
		"nobody":  func(*pyxistest.Cluster, int) string { return "" },
		"itself":  func(s *pyxistest.Cluster, i int) string { return s.Addrs()[i] },
		"circle":  func(s *pyxistest.Cluster, i int) string { return s.Addrs()[(i+1)%3] },
		"strange": func(*pyxistest.Cluster, int) string { return "no address at all" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, s *pyxistest.Cluster) {
				var heal []func()
				for i := range 3 {
					heal = append(heal, s.Node(i).Inject(pyxistest.Fault{Effect: pyxistest.NotLeader(hint(s, i))}))
				}
				dials := &dialLog{dial: s.DialContext}
				c, _ := start(t, s, pyxis.Options{Dial: dials.DialContext})
				time.Sleep(time.Minute)
				tried := dials.take()
				if n := len(tried); n < 30 || n > 400 {
					t.Errorf("%d dials in a minute", n)
				}
				for _, addr := range s.Addrs() {
					if !slices.Contains(tried, addr) {
						t.Errorf("%s was never tried", addr)
					}
				}
				err := within(t, c, time.Second).Create(nil, "/x", nil)
				mustBe(t, err, pyxis.ErrConnecting, pyxis.ErrNotLeader)
				for _, f := range heal {
					f()
				}
				must(t, c.Create(nil, "/x", nil))
			})
		})
	}
}

func TestP24_PingTellsTheNewLeaderAndTheExpiry(t *testing.T) {
	// P24: all failures of a ping were handled in the same way. The address of the
	// new leader was dropped, and an expired session was registered once more.
	inBubble(t, pyxistest.Options{Nodes: 8}, func(t *testing.T, s *pyxistest.Cluster) {
		dials := &dialLog{dial: s.DialContext}
		c, _ := start(t, s, pyxis.Options{Dial: dials.DialContext})
		sid, err := c.Sid()
		must(t, err)
		dials.take()
		must(t, s.MoveLeader(6))
		time.Sleep(time.Second)
		if tried := dials.take(); !slices.Equal(tried, []string{s.Addrs()[6]}) {
			t.Errorf("tried %v, the leader is %s", tried, s.Addrs()[6])
		}
		s.ResetRequests()
		s.ExpireSession(sid)
		synctest.Wait()
		if n := s.Count(pyxistest.Register); n != 1 {
			t.Errorf("%d registrations after the session expired", n)
		}
	})
}

func TestP25_ClientsSpread(t *testing.T) {
	// P25: the process-wide random numbers were seeded with the time in seconds.
	// Clients that started within one second tried the same address first.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		first := map[string]int{}
		for range 300 {
			dials := &dialLog{dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}
			c := pyxis.NewClient([]string{"a:1", "b:1", "c:1"}, &pyxis.Options{Dial: dials.DialContext})
			synctest.Wait()
			must(t, c.Close())
			first[dials.take()[0]]++
		}
		for addr, n := range first {
			if n < 50 || n > 150 { // 100 ± 6 standard deviations
				t.Errorf("%s came first %d times of 300", addr, n)
			}
		}
	})
}

func TestP26_ConnectionOutlivesTheSession(t *testing.T) {
	// P26: on expiry the connection was closed, although the documentation said
	// that it was kept.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		sid, err := c.Sid()
		must(t, err)
		s.ExpireSession(sid)
		events.expect(t, "Connected", "SessionExpired", "Connected")
		must(t, c.Unregister())
		events.expect(t, "SessionExpired", "Connected")
		if again, err := c.Sid(); err != nil || again == sid {
			t.Errorf("session %d, %v after %d", again, err, sid)
		}
		if _, accepted := s.Connections(); accepted != 1 {
			t.Errorf("%d connections", accepted)
		}
		if n := len(s.Sessions()); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestP27_CloseEndsTheSessionOrSaysThatItDidNot(t *testing.T) {
	// P27: errors of Close were dropped, and Close while connecting did not end
	// the session: its ephemeral nodes stayed until it expired.
	inBubble(t, pyxistest.Options{Nodes: 3}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/e", nil))
		s.NoLeader()
		time.Sleep(time.Second)
		go func() {
			time.Sleep(time.Second)
			s.MoveLeader(2)
		}()
		must(t, c.Close()) // over a new connection
		if _, ok := s.Get("/e"); ok || len(s.Sessions()) != 0 {
			t.Error("the session lives on")
		}

		c, _ = start(t, s, pyxis.Options{})
		_, err := c.Sid()
		must(t, err)
		s.NoLeader()
		if d := elapsed(func() { err = c.Close() }); d != 2*time.Second {
			t.Errorf("Close took %v", d)
		}
		mustBe(t, err, pyxis.ErrOutcomeUnknown)
		if again := c.Close(); again == nil || again.Error() != err.Error() {
			t.Errorf("the second Close: %v, the first: %v", again, err)
		}
	})
}
