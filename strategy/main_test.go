package strategy

import (
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a client that has only a name and a weight.
type peer struct {
	client.Unimplemented
	name   string
	weight atomic.Uint64 // float64 bits
}

func (p *peer) Endpoint() string { return p.name }
func (p *peer) Weight() float64  { return math.Float64frombits(p.weight.Load()) }
func (p *peer) weigh(w float64)  { p.weight.Store(math.Float64bits(w)) }

func newPeer(name string, weight float64) *peer {
	p := &peer{name: name}
	p.weigh(weight)
	return p
}

func newPeers(n int) []client.Client {
	peers := make([]client.Client, n)
	for i := range peers {
		peers[i] = newPeer(string(rune('a'+i)), 1)
	}
	return peers
}

// weighted returns peers with these weights.
func weighted(weights ...float64) []client.Client {
	peers := newPeers(len(weights))
	for i, w := range weights {
		peers[i].(*peer).weigh(w)
	}
	return peers
}

// bare is a client without a name and a weight.
type bare struct {
	client.Unimplemented
	_ int // so that two pointers to bare differ
}

func nameOf(c client.Client) string {
	if c == nil {
		return "-"
	}
	return c.(*peer).name
}

// attempts picks n times for one call, as if each attempt failed, and returns the
// names of the picked clients.
func attempts(p Picker, n int) string {
	var names string
	call := &Call{Op: client.OpID}
	for call.Attempt = range n {
		c := p.Pick(call)
		names += nameOf(c)
		if c != nil {
			call.Tried = append(call.Tried, c)
		}
	}
	return names
}

// firsts picks for the first attempts of n calls and returns the names.
func firsts(p Picker, n int) string {
	var names string
	for range n {
		names += attempts(p, 1)
	}
	return names
}

// builtin is implemented by all strategies of this package.
type builtin interface {
	LBStrategy
	Picker
}

func builtins() map[string]func() builtin {
	return map[string]func() builtin{
		"Failover":    func() builtin { return &Failover{} },
		"RoundRobin":  func() builtin { return &RoundRobin{} },
		"LeastLoaded": func() builtin { return &LeastLoaded{} },
		"Sticky":      func() builtin { return &Sticky{} },
		"Weighted":    func() builtin { return &Weighted{} },
	}
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// finish reports the beginning of an attempt, and immediately its end with the
// result r.
func finish(o Observer, op client.Op, c client.Client, r Result) {
	call := &Call{Op: op}
	o.Begin(call, c)
	o.End(call, c, r)
}

// inUse returns a strategy that has measured some traffic. Half of the clients have
// an attempt in flight.
func inUse(make func() builtin, peers []client.Client) builtin {
	s := make()
	s.SetClients(peers)
	if o, ok := s.(Observer); ok {
		for i, c := range peers {
			finish(o, client.OpStatus, c, Result{Duration: time.Duration(100+i) * time.Millisecond})
			if i%2 == 1 {
				o.Begin(&Call{Op: client.OpStatus}, c)
			}
		}
	}
	return s
}

// Every call needs a pick, so a pick must not allocate.
func TestPickAllocatesNothing(t *testing.T) {
	for name, make := range builtins() {
		for _, n := range []int{1, 3, 10, 100} {
			peers := newPeers(n)
			s := inUse(make, peers)
			for tried := range min(n, 3) + 1 {
				call := &Call{Op: client.OpStatus, Key: testKey(1), Attempt: tried, Tried: peers[:tried]}
				if allocs := testing.AllocsPerRun(100, func() { s.Pick(call); s.Next(tried) }); allocs != 0 {
					t.Errorf("%s, %d clients, %d tried: %v allocations", name, n, tried, allocs)
				}
			}
		}
	}
}

// testKey returns a key that resembles a CID.
func testKey(i int) string {
	return fmt.Sprintf("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclg%010d", i)
}
