package pyxistest

import (
	"time"

	"github.com/pinfleet/pinfleet/internal/faults"
)

// Fault says which requests of a node an effect falls upon. Of several faults,
// the first one injected that matches a request is used, alone.
type Fault struct {
	// Ops are the kinds of requests, any of which is enough; 0 is every request.
	// Connect has to be named.
	Ops Ops
	// Match narrows it down; nil matches. A connection matches as a Request
	// without anything but Time, Node, Conn and Ops.
	Match func(Request) bool
	// Skip lets the first matching requests pass.
	Skip int
	// Times is how many requests after that are hit; 0 is all.
	Times int
	// Probability, between 0 and 1, hits only a part of them, by chance; 0 hits
	// all. Requests that were spared do not count for Times.
	Probability float64
	// Effect is what happens; the zero value is an ordinary answer.
	Effect Effect
}

// Inject adds a fault and returns a function that removes it again, for requests
// that come later.
func (n *Node) Inject(f Fault) (remove func()) {
	if f.Ops == 0 {
		f.Ops = AllOps
	}
	return n.faults.Add(f, faults.Share{Skip: f.Skip, Times: f.Times, Probability: f.Probability})
}

// InjectAll injects a fault at every node, where each one counts for itself.
func (c *Cluster) InjectAll(f Fault) (remove func()) {
	var removes []func()
	for _, n := range c.nodes {
		removes = append(removes, n.Inject(f))
	}
	return func() {
		for _, remove := range removes {
			remove()
		}
	}
}

// effect returns what falls upon a request, nil for nothing.
func (n *Node) effect(r Request) *Effect {
	f, ok := n.faults.Hit(func(f Fault) bool {
		return f.Ops&r.Ops != 0 && (f.Match == nil || f.Match(r))
	})
	if !ok {
		return nil
	}
	return &f.Effect
}

// Mute makes the node deaf and dumb: it accepts connections, and requests wait
// unread and answers unsent until Unmute. It stays what it is otherwise: sessions
// go on and end, and events get lost.
func (n *Node) Mute() { n.gate.shut() }

// Unmute ends Mute.
func (n *Node) Unmute() { n.gate.open() }

// Slow makes every answer leave d later from now on; 0 ends that.
func (n *Node) Slow(d time.Duration) { n.slow.Store(int64(d)) }

// HoldDials makes new connections neither succeed nor fail, like a host that is
// gone, until ReleaseDials. It works with the Memory network only.
func (n *Node) HoldDials() { n.dials.shut() }

// ReleaseDials ends HoldDials.
func (n *Node) ReleaseDials() { n.dials.open() }
