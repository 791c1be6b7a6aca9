package pyxis

import (
	"maps"
	pathpkg "path"
	"slices"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// subscription is the connection between a persistent watch and the registry: it
// collects which nodes must be read again. registry.mu guards it.
type subscription struct {
	wakeup chan struct{}       // receives when there is something to read
	stale  map[string]struct{} // nodes to read
	gone   map[string]struct{} // deleted nodes, to read if their parents have them again
	all    bool                // all nodes must be read
}

// mark records that the node at path must be read.
func (sub *subscription) mark(path string) {
	sub.stale[path] = struct{}{}
	sub.wake()
}

// markAll records that all nodes must be read.
func (sub *subscription) markAll() {
	sub.all = true
	sub.wake()
}

func (sub *subscription) wake() {
	select {
	case sub.wakeup <- struct{}{}:
	default:
	}
}

// subscribe adds a subscription, which has all nodes to read.
func (r *registry) subscribe() *subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub := &subscription{wakeup: make(chan struct{}, 1), stale: make(map[string]struct{}), gone: make(map[string]struct{}), all: true}
	r.subs[sub] = struct{}{}
	return sub
}

// unsubscribe removes a subscription from all paths.
func (r *registry) unsubscribe(sub *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.subs, sub)
	for path := range r.slots {
		r.remove(sub, path)
	}
}

// follow begins a subscription's interest in a path, before the node is read.
func (r *registry) follow(sub *subscription, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slot(path); !slices.Contains(s.subs, sub) {
		s.subs = append(s.subs, sub)
	}
}

// unfollow ends a subscription's interest in a path.
func (r *registry) unfollow(sub *subscription, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(sub, path)
}

// remove removes a subscription from a path. r.mu is held.
func (r *registry) remove(sub *subscription, path string) {
	if s := r.slots[path]; s != nil {
		s.subs = slices.DeleteFunc(s.subs, func(o *subscription) bool { return o == sub })
		r.release(path, s)
	}
}

// report has a subscription read the node of an event of the server's watch on
// path. r.mu is held.
func (r *registry) report(sub *subscription, path string, e watch.Event) {
	if e.Type == watch.Delete && e.Path == path && r.follows(sub, parentOf(path)) {
		sub.gone[path] = struct{}{} // the event of its parent comes next
	} else {
		sub.mark(path)
	}
}

// follows reports whether a subscription is interested in a path. r.mu is held.
func (r *registry) follows(sub *subscription, path string) bool {
	s := r.slots[path]
	return s != nil && slices.Contains(s.subs, sub)
}

// take moves what must be read into tree. Events that arrive from now on are
// recorded anew, even if a read that is still in flight covers them.
func (r *registry) take(tree *subtree) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub := tree.sub
	for path := range sub.gone {
		if _, known := tree.nodes[path]; known {
			tree.gone[path] = struct{}{}
		}
	}
	clear(sub.gone)
	maps.Copy(tree.stale, sub.stale)
	clear(sub.stale)
	if sub.all {
		for path := range tree.nodes {
			tree.stale[path] = struct{}{}
		}
		tree.stale[tree.path] = struct{}{}
		sub.all = false
	}
}

// restart makes a subscription read all nodes again, after a read has failed.
func (r *registry) restart(sub *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub.all = true
}

// parentOf returns the path of a node's parent.
func parentOf(path string) string { return pathpkg.Dir(path) }
