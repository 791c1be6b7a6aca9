package pyxis_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// liveAddrs is the environment variable with the addresses of a real service,
// separated by commas.
const liveAddrs = "PYXIS_ADDRS"

// hang limits each wait for a real service, on a machine that is busy.
const hang = time.Minute

// liveService is a service about which a test knows nothing but its addresses.
type liveService struct {
	t     *testing.T
	addrs []string
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	c     *pyxis.Client // of the test itself
	root  string        // a node for the test, deleted at its end
}

// onService runs a test on the real service at PYXIS_ADDRS and the wall clock. If
// the variable is not set, the test runs on the service in memory and virtual time.
func onService(t *testing.T, test func(t *testing.T, s *liveService)) {
	t.Helper()
	if addrs := os.Getenv(liveAddrs); addrs != "" {
		t.Parallel()
		test(t, reach(t, strings.Split(addrs, ","), new(net.Dialer).DialContext))
		return
	}
	for _, nagle := range []bool{false, true} {
		t.Run(fmt.Sprintf("nagle %v", nagle), func(t *testing.T) {
			inBubble(t, pyxistest.Options{Nodes: 3, Nagle: nagle}, func(t *testing.T, s *pyxistest.Cluster) {
				test(t, reach(t, s.Addrs(), s.DialContext))
			})
		})
	}
}

// reach connects to a service. It fails the test if it cannot.
func reach(t *testing.T, addrs []string, dial func(context.Context, string, string) (net.Conn, error)) *liveService {
	t.Helper()
	s := &liveService{t: t, addrs: addrs, dial: dial, root: "/pinfleet-test-" + rand.Text()}
	s.c = pyxis.NewClient(addrs, &pyxis.Options{Dial: dial, CallTimeout: hang})
	t.Cleanup(func() { _ = s.c.Close() })
	if _, err := within(t, s.c, 15*time.Second).Sid(); err != nil {
		t.Fatalf("no pyxis service at %q, see %s: %v", addrs, liveAddrs, err)
	}
	must(t, s.c.Create(nil, s.root, nil))
	t.Cleanup(func() {
		if err := s.c.DeleteAll(nil, s.root); err != nil {
			t.Errorf("%s is left: %v", s.root, err)
		}
	})
	return s
}

// get returns the data of a node, and reports whether it exists.
func (s *liveService) get(path string) (data string, ok bool) {
	s.t.Helper()
	n, err := s.c.Read(nil, path, nil)
	if err != nil {
		mustBe(s.t, err, pyxis.ErrNotFound)
		return "", false
	}
	return string(n.Data), true
}

// eventually waits until holds returns true. A real service is on the wall clock,
// and there is nothing to wait for but its answers, so it is asked again.
func (s *liveService) eventually(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(hang); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("after %v: %s", hang, what)
		}
	}
}

// endSession ends another client's session, over a connection of its own.
func (s *liveService) endSession(sid uint64) {
	s.t.Helper()
	leader, err := s.c.Read(nil, "/pyxis/cluster/leader", nil)
	must(s.t, err)
	nc, err := s.dial(s.t.Context(), "tcp", string(leader.Data))
	must(s.t, err)
	defer nc.Close()
	frame, err := pyxiswire.AppendFrame(nil, &pyxiswire.Request{
		Sid: &sid, Xid: proto.Uint64(0), Unregister: &pyxiswire.UnRegisterRequest{},
	})
	must(s.t, err)
	_, err = nc.Write(frame)
	must(s.t, err)
	_, err = pyxiswire.NewReader(nc, 0).Next() // it has ended when the answer comes
	must(s.t, err)
}

// alive reports whether the service knows the session.
func (s *liveService) alive(sid uint64) bool {
	_, ok := s.get(fmt.Sprintf("/pyxis/session/%d", sid))
	return ok
}

// TestEveryServerLeadsToTheLeader gives clients a single address each.
func TestEveryServerLeadsToTheLeader(t *testing.T) {
	onService(t, func(t *testing.T, s *liveService) {
		for _, addr := range s.addrs {
			c := pyxis.NewClient([]string{addr}, &pyxis.Options{Dial: s.dial, CallTimeout: hang})
			if err := c.Write(nil, s.root, []byte(addr)); err != nil {
				t.Errorf("%s: %v", addr, err)
			}
			must(t, c.Close())
			if data, _ := s.get(s.root); data != addr {
				t.Errorf("%s: the service has %q", addr, data)
			}
		}
	})
}
