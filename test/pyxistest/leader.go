package pyxistest

import (
	"fmt"
	"time"
)

// Leader returns the index of the majority's leader, or -1 if there is none.
func (c *Cluster) Leader() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

// MoveLeader makes another node the leader, in an orderly change. The parameter
// is the index of that node. The old leader answers held pings with an empty
// answer. It answers pending writes with CodeAgain, although they take effect.
// Sessions continue, and expire one timeout after the change at the earliest.
// The timeout is the one with which the session was created. Watches and
// undelivered events are lost, even if the new leader is the same as the old
// one. MoveLeader fails if the node is stopped or isolated.
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

// NoLeader makes the leader step down as MoveLeader does. The cluster has no
// leader until MoveLeader.
func (c *Cluster) NoLeader() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.abdicate(now)
	c.vacant = true
}

// StallWrites leaves writes, registers and unregisters pending until
// ResumeWrites, like a leader without a majority. This includes the leader's
// own unregisters of expired sessions.
func (c *Cluster) StallWrites() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = true
}

// ResumeWrites ends StallWrites. The pending writes take effect.
func (c *Cluster) ResumeWrites() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stalled = false
	c.advance(time.Now())
	c.wake()
}

// Isolate disconnects the node from the other nodes, but not from its clients.
// A leader continues to serve, but commits no writes, and the others elect
// another leader after Options.Failover. An isolated follower knows no leader.
// Isolate does nothing if the cluster has only one node.
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

// Rejoin ends Isolate. If the node led and another leader was elected
// meanwhile, or NoLeader was called, it steps down: it answers held pings with
// an empty answer, and pending writes with CodeAgain. These writes never take effect.
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
		// No other leader was elected meanwhile, not even one that is lost by now.
		if c.leader == none && !c.vacant && n.reign.st == c.st {
			c.leader, c.electAt = n.index, time.Time{}
		} else {
			n.reign.stepDown(now, false)
			n.reign = nil
		}
	}
	c.revive(now)
}

// joined marks a node as running.
func (c *Cluster) joined(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.up = true
	c.revive(time.Now())
}

// crashed marks a node as stopped.
func (c *Cluster) crashed(n *Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.up, n.reign = false, nil
	if c.leader == n.index {
		c.lost(n, time.Now())
	}
}

// revive starts elections and commits for which there is a majority now. c.mu
// must be held, also for the functions below.
func (c *Cluster) revive(now time.Time) {
	c.schedule(now)
	c.advance(now)
	c.wake()
}

// lost handles the loss of the majority's leader.
func (c *Cluster) lost(leader *Node, now time.Time) {
	c.leader, c.previous = none, leader.index
	c.staleUntil = now.Add(c.opts.Failover / 2)
	c.schedule(now)
}

// schedule schedules an election if one is needed and possible.
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

// elect elects the first eligible node, if a leader is still needed.
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

// abdicate makes the leader step down in an orderly change; see MoveLeader.
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

// lead makes a node the leader of the majority. An isolated node that still
// believes it leads gets a copy of the state.
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

// majority reports whether a majority of the nodes runs and is not isolated.
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

// refusal returns the answer of a node that does not lead.
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
