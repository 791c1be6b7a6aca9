package strategy

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a client that is nothing but its name.
type peer struct {
	client.Client
	name string
}

func newPeers(n int) []client.Client {
	peers := make([]client.Client, n)
	for i := range peers {
		peers[i] = &peer{name: string(rune('a' + i))}
	}
	return peers
}

func nameOf(c client.Client) string {
	if c == nil {
		return "-"
	}
	return c.(*peer).name
}

// attempts picks n times for one call, as if each attempt failed.
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

// builtin is what the strategies here implement.
type builtin interface {
	LBStrategy
	Picker
}

func builtins() map[string]func() builtin {
	return map[string]func() builtin{
		"Failover":   func() builtin { return &Failover{} },
		"RoundRobin": func() builtin { return &RoundRobin{} },
	}
}

func check(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// U39: with no clients upstream's strategies divided by zero on first use.
func TestU39NoClients(t *testing.T) {
	for name, make := range builtins() {
		s := make()
		for _, state := range []string{"zero value", "nil", "empty"} {
			switch state {
			case "nil":
				s.SetClients(nil)
			case "empty":
				s.SetClients([]client.Client{})
			}
			for count := range 3 {
				if c := s.Next(count); c != nil {
					t.Errorf("%s, %s: Next(%d) = %v, want nil", name, state, count, c)
				}
				if c := s.Pick(&Call{Attempt: count, Tried: newPeers(count)}); c != nil {
					t.Errorf("%s, %s: Pick of attempt %d = %v, want nil", name, state, count, c)
				}
			}
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for name, make := range builtins() {
		for _, tried := range []int{0, 2} {
			b.Run(fmt.Sprintf("%s/tried=%d", name, tried), func(b *testing.B) {
				s, peers := make(), newPeers(5)
				s.SetClients(peers)
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					call := &Call{Op: client.OpID, Attempt: tried, Tried: peers[:tried]}
					for pb.Next() {
						if s.Pick(call) == nil {
							b.Error("nobody picked")
							return
						}
					}
				})
			})
		}
	}
}

// A pick is on the path of every call, so it allocates nothing.
func TestPickAllocatesNothing(t *testing.T) {
	for name, make := range builtins() {
		s, peers := make(), newPeers(3)
		s.SetClients(peers)
		for tried := range 4 {
			call := &Call{Attempt: tried, Tried: peers[:tried]}
			if n := testing.AllocsPerRun(100, func() { s.Pick(call); s.Next(tried) }); n != 0 {
				t.Errorf("%s with %d tried: %v allocations", name, tried, n)
			}
		}
	}
}
