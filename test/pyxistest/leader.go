package pyxistest

import (
	"fmt"
	"time"
)

// Leader returns the index of the node that leads the majority, -1 if none does.
func (c *Cluster) Leader() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

// MoveLeader makes a node the leader, in order: the old one answers its held
// pings, empty, and its unanswered writes with "try again", which take effect
// nevertheless. Sessions go on with their first timeout, from now; watches and
// undelivered events are gone. A leader that is moved to itself loses them too.
// It fails when the node is stopped or isolated.
func (c *Cluster) MoveLeader(to int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[to]
	if !n.up || n.isolated {
		return fmt.Errorf("node %d cannot lead: start it and let it rejoin first", to)
	}
	now := time.Now()
	c.abdicate(now)
	c.lead(n, now)
	return nil
}

// NoLeader makes the leader step down as MoveLeader does, and leaves the cluster
// without one until MoveLeader.
func (c *Cluster) NoLeader() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.abdicate(now)
	c.vacant = true
}

// StallWrites makes writes, registers and unregisters, also the leader's own of
// expired sessions, wait without an answer until ResumeWrites, as they do when the
// leader has no majority.
func (c *Cluster) StallWrites() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
}

// ResumeWrites ends StallWrites. The writes take effect now.
func (c *Cluster) ResumeWrites() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = false
	c.advance(time.Now())
	c.wake()
}

// Isolate cuts the node off from the other nodes, but not from its clients. If it
// led, it goes on, without committing writes, while the others elect another
// leader after Options.Failover. A follower that is isolated knows no leader.
func (n *Node) Isolate() {
	c := n.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.isolated || len(c.nodes) == 1 {
		return
	}
	n.isolated = true
	if c.leader == n.index {
		c.lost(n, time.Now())
	}
}

// Rejoin ends Isolate. If the node led and another node does by now, it steps
// down: held pings are answered, empty, and its unanswered writes with "try
// again"; they never take effect.
func (n *Node) Rejoin() {
	c := n.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !n.isolated {
		return
	}
	n.isolated = false
	now := time.Now()
	if n.reign != nil {
		// Nobody was elected meanwhile, not even one that is gone again.
		if c.leader == none && !c.vacant && n.reign.st == c.st {
			c.leader, c.electAt = n.index, time.Time{}
		} else {
			n.reign.stepDown(now, false)
			n.reign = nil
		}
	}
	c.revive(now)
}

// joined notes that a node starts.
func (c *Cluster) joined(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.up = true
	c.revive(time.Now())
}

// crashed notes that a node is gone.
func (c *Cluster) crashed(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.up, n.reign = false, nil
	if c.leader == n.index {
		c.lost(n, time.Now())
	}
}

// revive does what a larger majority makes possible. c.mu must be held, as for
// all that follow.
func (c *Cluster) revive(now time.Time) {
	c.schedule(now)
	c.advance(now)
	c.wake()
}

// lost notes that the majority has no leader any more.
func (c *Cluster) lost(leader *Node, now time.Time) {
	c.leader, c.previous = none, leader.index
	c.staleUntil = now.Add(c.opts.Failover / 2)
	c.schedule(now)
}

// schedule begins an election, if one is needed and possible.
func (c *Cluster) schedule(now time.Time) {
	if c.leader != none || c.vacant || !c.electAt.IsZero() || !c.majority() {
		return
	}
	c.electAt = now
	if len(c.nodes) > 1 {
		c.electAt = now.Add(c.opts.Failover)
	}
	c.wake()
}

// elect ends an election: the first node that can becomes the leader.
func (c *Cluster) elect(now time.Time) {
	c.electAt = time.Time{}
	if c.leader != none || c.vacant || !c.majority() {
		return
	}
	for _, n := range c.nodes {
		if n.up && !n.isolated {
			c.lead(n, now)
			return
		}
	}
}

// abdicate ends the reign of the leader in order.
func (c *Cluster) abdicate(now time.Time) {
	c.electAt = time.Time{}
	if c.leader == none {
		return
	}
	n := c.nodes[c.leader]
	n.reign.stepDown(now, true)
	n.reign = nil
	c.leader, c.previous = none, n.index
	c.staleUntil = now.Add(c.opts.StaleRedirects)
}

// lead makes a node the leader of the majority. One that is isolated and still
// takes itself for the leader has its own view from now on.
func (c *Cluster) lead(n *Node, now time.Time) {
	for _, r := range c.reigns() {
		if r.st == c.st {
			r.st = c.st.clone()
		}
	}
	c.leader, c.vacant, c.electAt = n.index, false, time.Time{}
	n.reign = newReign(n, c.st, now)
	c.opts.Logger.Debug("node leads", "node", n.index)
	c.wake()
}

// majority reports whether enough nodes run and reach each other.
func (c *Cluster) majority() bool {
	reachable := 0
	for _, n := range c.nodes {
		if n.up && !n.isolated {
			reachable++
		}
	}
	return 2*reachable > len(c.nodes)
}

// agreed reports whether a leader can commit.
func (c *Cluster) agreed(r *reign) bool {
	return !c.stalled && !r.node.isolated && c.majority()
}

// refusal is the answer of a node that does not lead.
func (c *Cluster) refusal(n *Node, now time.Time) *Error {
	switch {
	case n.isolated:
		return errNoLeader
	case c.previous != none && now.Before(c.staleUntil):
		return failure(CodeNotLeader, c.advertised(c.previous))
	case c.leader == none:
		return errNoLeader
	}
	return failure(CodeNotLeader, c.advertised(c.leader))
}
