package pyxis

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/pinfleet/pinfleet/pyxis/internal/mux"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// WatchOption holds the options of Watch.
type WatchOption struct {
	// Recursive includes the nodes below, except the server's own below /pyxis.
	Recursive bool
	// ShowHidden includes nodes whose names begin with '_'.
	ShowHidden bool
}

// Update is one report of a persistent watch.
type Update struct {
	// Changes are the differences between Nodes and the Nodes of the previous
	// update: deletions first, then the rest sorted by path. The first update has
	// a Create for every node. Changes that cancelled each other between two reads
	// are not reported. For example, a node that was deleted and created again is
	// not reported if its owner, flags, version and data are the same as before.
	Changes []*watch.Event
	// Nodes are the watched nodes by path, with children sorted by name. They
	// belong to the watch and must not be modified.
	Nodes map[string]*node.Node
}

// Watch reports the node at path, and with opt.Recursive everything below it:
// first the current state, then each change. The node need not exist. No change
// is missed: Watch sets the server's watch of each node when it reads it. It reads
// a node again after an event of the node, and all nodes after a reconnect or in a
// new session. In times of events it also reads the server's list of watches every
// ten seconds, in case the server has lost some. Changes that happen while the
// caller is busy are combined into one update.
//
// When the context passed to WithContext is done, the client is closed, or the
// path is rejected, the iteration yields an error and ends. After any other
// error, Watch tries again. It uses no goroutine; breaking out of the loop ends
// it. A nil opt means the defaults.
//
// If a one-shot watcher with a Filter was set on one of the nodes earlier, Watch
// reads that node with each keepalive request until the watcher has fired, as the
// server reports only the events that the Filter asks for.
func (c *Client) Watch(opt *WatchOption, path string) iter.Seq2[*Update, error] {
	if opt == nil {
		opt = &WatchOption{}
	}
	o := *opt
	return func(yield func(*Update, error) bool) {
		if err := checkPath("watch", path); err != nil {
			yield(nil, err)
			return
		}
		sub := c.core.watches.subscribe()
		defer c.core.watches.unsubscribe(sub)
		tree := newSubtree(path, o, sub)
		for first := true; ; first = false {
			if err := c.look(tree); err != nil {
				yield(nil, err)
				return
			}
			if events := tree.changes(); first || len(events) > 0 {
				if !yield(&Update{Changes: events, Nodes: tree.all()}, nil) {
					return
				}
			}
			select {
			case <-sub.wakeup:
			case <-c.core.closing:
			case <-c.ctx.Done():
			}
		}
	}
}

// look refreshes a subtree, if necessary in later sessions. It returns an error
// only if trying again is useless.
func (c *Client) look(tree *subtree) error {
	k := c.core
	var stale *session
	for failures := 0; ; failures++ {
		s, err := k.await(c.ctx, stale)
		if err == nil && c.ctx.Err() != nil {
			err = context.Cause(c.ctx)
		}
		if err != nil {
			return &Error{Op: "watch", Path: tree.path, Err: err}
		}
		if err = k.refresh(c.ctx, s, tree); err == nil {
			return nil
		}
		k.watches.restart(tree.sub)
		switch {
		case errors.Is(err, ErrInvalidArgument):
			return err
		case k.live.Load() != s, errors.Is(err, mux.ErrUnsent), errors.Is(err, ErrConnectionLost),
			errors.Is(err, ErrNotLeader), errors.Is(err, ErrAgain):
			stale = s // the session or its connection has ended, or is about to
			continue
		}
		k.log.Warn("pyxis watch cannot read, will try again", "path", tree.path, "error", err)
		c.wait(backoff(failures, k.longestPause()))
	}
}

// wait sleeps for d, or until the context or the client ends.
func (c *Client) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	case <-c.core.closing:
	}
}
