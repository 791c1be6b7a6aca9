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
// is missed: Watch sets the server's watch before it reads the nodes, and reads
// and compares them again after each event, reconnect and new session. Changes
// that happen while the caller is busy are combined into one update. Each event
// costs a read of all watched nodes, pipelined.
//
// When the context passed to WithContext is done, the client is closed, or the
// path is rejected, the iteration yields an error and ends. After any other
// error, Watch tries again. It uses no goroutine; breaking out of the loop ends
// it. A nil opt means the defaults.
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
		sub := c.core.watches.subscribe(path)
		defer c.core.watches.unsubscribe(path, sub)
		var last subtree // nil before the first update
		for {
			tree, err := c.look(path, o)
			if err != nil {
				yield(nil, err)
				return
			}
			if events := changes(last, tree); last == nil || len(events) > 0 {
				if !yield(&Update{Changes: events, Nodes: tree.nodes()}, nil) {
					return
				}
			}
			last = tree
			select {
			case <-sub.poke:
			case <-c.core.closing:
			case <-c.ctx.Done():
			}
		}
	}
}

// look reads a subtree, if necessary in later sessions. It returns an error
// only if trying again is useless.
func (c *Client) look(path string, opt WatchOption) (subtree, error) {
	k := c.core
	var stale *session
	for failures := 0; ; failures++ {
		s, err := k.await(c.ctx, stale)
		if err == nil && c.ctx.Err() != nil {
			err = context.Cause(c.ctx)
		}
		if err != nil {
			return nil, &Error{Op: "watch", Path: path, Err: err}
		}
		tree, err := c.readBounded(s, path, opt)
		switch {
		case err == nil:
			return tree, nil
		case errors.Is(err, ErrInvalidArgument):
			return nil, err
		case k.live.Load() != s, errors.Is(err, mux.ErrUnsent), errors.Is(err, ErrConnectionLost),
			errors.Is(err, ErrNotLeader), errors.Is(err, ErrAgain):
			stale = s // the session or its connection has ended, or is about to
			continue
		}
		k.log.Warn("pyxis watch cannot read, will try again", "path", path, "error", err)
		c.wait(backoff(failures, k.longestPause()))
	}
}

// readBounded reads a subtree in one session, within Options.CallTimeout.
func (c *Client) readBounded(s *session, path string, opt WatchOption) (subtree, error) {
	ctx := c.ctx
	if c.core.callTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.core.callTimeout)
		defer cancel()
	}
	return c.core.readSubtree(ctx, s, path, opt)
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

func (tree subtree) nodes() map[string]*node.Node {
	nodes := make(map[string]*node.Node, len(tree))
	for path, s := range tree {
		nodes[path] = s.node
	}
	return nodes
}
