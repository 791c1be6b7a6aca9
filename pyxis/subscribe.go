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

// WatchOption are the options of Watch.
type WatchOption struct {
	// Recursive: the nodes below, too; but not the server's own, below /pyxis.
	Recursive bool
	// ShowHidden: nodes whose names begin with '_', too.
	ShowHidden bool
}

// Update is what a persistent watch reports.
type Update struct {
	// Changes are the differences between Nodes and the Nodes of the update
	// before: deletions first, the rest in the order of the paths. In the first
	// update every node is a Create. Changes that cancelled each other in
	// between are not seen, nor is a node that was deleted and created again
	// within one session with the same data.
	Changes []*watch.Event
	// Nodes are the watched nodes by path, as they are now, children sorted by
	// name. They belong to the watch: read them only.
	Nodes map[string]*node.Node
}

// Watch reports the node at path, and everything below it if asked for: first
// as it is, then whenever it has changed. The node need not exist. Nothing is
// missed: the watch is set before the nodes are read, and after each
// event, each reconnect and each new session they are read again and compared.
// What changes while the caller is busy comes in one update. Each event costs a
// read of everything that is watched, pipelined.
//
// It ends, with an error as the last pair, when the context of the view ends,
// when the client is closed, and when the path is refused. Any other trouble is
// waited out. It needs no goroutine; breaking out of the loop ends it. A nil
// opt means the defaults.
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

// look reads a subtree, in whichever session that can be done. It fails only
// when there is no use in trying again.
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
			stale = s // its end is known, or about to be
			continue
		}
		k.log.Warn("pyxis watch cannot read, will try again", "path", path, "error", err)
		c.wait(backoff(failures, k.longestPause()))
	}
}

// readBounded reads a subtree in one session, within the time of a call.
func (c *Client) readBounded(s *session, path string, opt WatchOption) (subtree, error) {
	ctx := c.ctx
	if c.core.callTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.core.callTimeout)
		defer cancel()
	}
	return c.core.readSubtree(ctx, s, path, opt)
}

// wait waits, unless the context or the client ends.
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
