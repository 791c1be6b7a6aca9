package pyxistest

import (
	"time"

	"github.com/pinfleet/pinfleet/internal/faults"
)

// Fault applies an effect to some of a node's requests. If several faults match a
// request, only one is applied: the first injected one that does not spare the
// request by Skip, Times or Probability.
type Fault struct {
	// Ops is the set of kinds of requests. A request of any of them matches. 0
	// means AllOps, which does not contain Connect.
	Ops Ops
	// Match reports whether the fault matches a request of Ops; nil means all. For
	// Connect, only Time, Node, Conn and Ops of the Request are set.
	Match func(Request) bool
	// Skip is the number of matching requests that are spared first.
	Skip int
	// Times is the number of requests to hit after that; 0 means all.
	Times int
	// Probability, between 0 and 1, is the chance of a request to be hit; 0 means
	// certain. Requests spared by chance do not count for Times.
	Probability float64
	// Effect is applied to the requests hit; the zero value is a normal answer.
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
