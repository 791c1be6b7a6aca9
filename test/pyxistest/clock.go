package pyxistest

import "time"

// run performs ticks, delayed commits and elections when they are due.
func (c *Cluster) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-c.kick:
		case <-timer.C:
		}
		c.mu.Lock()
		next := c.advance(time.Now())
		c.mu.Unlock()
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// wake makes run recompute when the next event is due.
func (c *Cluster) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// advance performs what is due. It returns when the next event is due, or zero
// if none is pending. c.mu must be held.
func (c *Cluster) advance(now time.Time) time.Time {
	if !c.electAt.IsZero() && !now.Before(c.electAt) {
		c.elect(now)
	}
	for _, r := range c.reigns() {
		r.commit(now)
	}
	c.ticks(now)

	next := c.tickAt
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	earlier(c.electAt)
	for _, r := range c.reigns() {
		if len(r.log) > 0 && c.agreed(r) {
			earlier(r.log[0].due)
		}
	}
	return next
}

// ticks runs the due ticks. Without sessions there are no ticks.
func (c *Cluster) ticks(now time.Time) {
	interval := c.opts.Tick
	if !c.anySession() {
		c.tickAt = time.Time{}
		return
	}
	if c.tickAt.IsZero() {
		c.tickAt = now.Truncate(interval).Add(interval)
	}
	for ; !now.Before(c.tickAt); c.tickAt = c.tickAt.Add(interval) {
		for _, r := range c.reigns() {
			r.tick(c.tickAt, interval)
		}
	}
}

func (c *Cluster) anySession() bool {
	for _, r := range c.reigns() {
		if len(r.live) > 0 {
			return true
		}
	}
	return false
}

// reigns returns the reigns of all nodes. There are two while a leader is
// isolated and another was elected.
func (c *Cluster) reigns() []*reign {
	var all []*reign
	for _, n := range c.nodes {
		if n.reign != nil {
			all = append(all, n.reign)
		}
	}
	return all
}
