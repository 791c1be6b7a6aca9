package pyxistest

import (
	"time"

	"github.com/pinfleet/pinfleet/internal/faults"
)

// Fault applies an effect to some of a node's requests. At most one fault is
// applied to a request. It is the first injected fault that matches the request
// and whose Skip, Times and Probability select it.
type Fault struct {
	// Ops is the set of kinds of requests. A request of any of them matches. 0
	// means AllOps, which does not contain Connect.
	Ops Ops
	// Match reports whether the fault matches a request of Ops; nil means all. For
	// Connect, only Time, Node, Conn and Ops of the Request are set.
	Match func(Request) bool
	// Skip is the number of matching requests to serve normally first.
	Skip int
	// Times is the number of requests to apply the effect to after that; 0 means all.
	Times int
	// Probability, between 0 and 1, is the chance that the effect is applied; 0 means
	// that it always is. Times counts only requests to which the effect is applied.
	Probability float64
	// Effect is what happens to these requests; the zero value is a normal answer.
	Effect Effect
}

// Inject adds a fault. remove removes it for later requests.
func (n *Node) Inject(f Fault) (remove func()) {
	if f.Ops == 0 {
		f.Ops = AllOps
	}
	return n.faults.Add(f, faults.Share{Skip: f.Skip, Times: f.Times, Probability: f.Probability})
}

// InjectAll injects a fault at every node. Each node counts its requests separately.
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

// effect returns the effect of the fault that hits a request, or nil.
func (n *Node) effect(r Request) *Effect {
	f, ok := n.faults.Hit(func(f Fault) bool {
		return f.Ops&r.Ops != 0 && (f.Match == nil || f.Match(r))
	})
	if !ok {
		return nil
	}
	return &f.Effect
}

// Mute makes the node unresponsive until Unmute. It accepts connections, but
// serves no requests and sends no answers. Otherwise it continues as before:
// sessions expire, and events are sent to dead connections and lost.
func (n *Node) Mute() { n.gate.shut() }

// Unmute ends Mute.
func (n *Node) Unmute() { n.gate.open() }

// Slow delays every later answer by d. 0 ends the delay.
func (n *Node) Slow(d time.Duration) { n.slow.Store(int64(d)) }

// HoldDials makes new connections hang until ReleaseDials, as if the host were
// unreachable. It affects only connections made by Cluster.DialContext.
func (n *Node) HoldDials() { n.dials.shut() }

// ReleaseDials ends HoldDials.
func (n *Node) ReleaseDials() { n.dials.open() }
