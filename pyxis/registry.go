package pyxis

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// registry holds the watchers of each path: one-shot watchers, which were passed
// to Read, and subscriptions of persistent watches.
//
// Its methods that handle answers and events are called in the order in which
// these arrive.
type registry struct {
	mu      sync.Mutex
	slots   map[string]*slot
	subs    map[*subscription]struct{}
	lacking map[string]struct{}              // paths with watchers that are not covered
	dropped func(path string, e watch.Event) // called for an event without room
}

// slot represents the server's watch of one path.
//
// The server keeps one watch per path and session: the first that a request sets.
// It ignores the watches of further requests until an event has used that one up.
// A request that is answered between the event at the server and its arrival here
// may or may not have set the next watch. So the slot counts the requests that may
// have set the watch, and keeps what all of them ask for.
type slot struct {
	requests int   // answered requests, any of which may have set the watch
	sure     scope // what the watch covers in any case
	beats    int   // when the last of these was answered, see keeper.certain
	reading  int   // Reads with a watcher under way
	events   int
	oneShots []oneShot
	subs     []*subscription
}

// oneShot is a watcher that was passed to Read.
type oneShot struct {
	Watcher
	first   bool // no earlier request can have set the watch
	covered bool // the server's watch covers what it wants
}

// scope is what a watch on a node covers.
type scope struct {
	mask      watch.EventType
	recursive bool
}

// wholeNode is the scope that a persistent watch needs on each of its nodes.
var wholeNode = scope{mask: watch.All}

// scope returns what the server must watch for w.
func (w *Watcher) scope() scope {
	return scope{cmp.Or(w.Filter, watch.All) & watch.All, w.Recursive}
}

// covers reports whether a watch with scope s reports everything that one with
// scope o does.
func (s scope) covers(o scope) bool {
	return o.mask&watch.Nodes&^s.mask == 0 && (s.recursive || !o.recursive)
}

func newRegistry(dropped func(string, watch.Event)) *registry {
	return &registry{
		slots: make(map[string]*slot), subs: make(map[*subscription]struct{}),
		lacking: make(map[string]struct{}), dropped: dropped,
	}
}

func (r *registry) slot(path string) *slot {
	s := r.slots[path]
	if s == nil {
		s = &slot{}
		r.slots[path] = s
	}
	return s
}

// release deletes a slot that neither the server nor a watcher uses.
func (r *registry) release(path string, s *slot) {
	if s.requests == 0 && s.reading == 0 && len(s.oneShots) == 0 && len(s.subs) == 0 {
		delete(r.slots, path)
	}
}

// begin begins a Read with a watcher. It returns the scope to watch, which does not
// narrow a persistent watch of the same path, and the number of events so far.
func (r *registry) begin(path string, w *Watcher) (scope, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, sc := r.slot(path), w.scope()
	s.reading++
	if len(s.subs) > 0 {
		sc.mask = watch.All
	}
	return sc, s.events
}

// end ends a Read with a watcher.
func (r *registry) end(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	s.reading--
	r.release(path, s)
}

// add adds the watcher of a Read whose request has set the watch, see set. before
// is the number of events when the Read began: if one has arrived since, it may have
// used up the watch.
func (r *registry) add(path string, w *Watcher, before int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	added := oneShot{*w, s.requests == 1, s.sure.covers(w.scope())}
	if s.events != before {
		r.deliver(path, added, watch.Event{Path: path, Type: watch.Resync})
		return
	}
	if !added.covered {
		r.lacking[path] = struct{}{}
	}
	s.oneShots = append(s.oneShots, added)
}

// set records that the server may have executed a request that sets the watch of
// path, and was answered after the given number of beats.
func (r *registry) set(path string, sc scope, beats int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	if s.requests == 0 {
		s.sure = sc
	} else {
		s.sure.mask &= sc.mask
		s.sure.recursive = s.sure.recursive && sc.recursive
	}
	s.requests++
	s.beats = beats
	if len(s.subs) > 0 && !s.sure.covers(wholeNode) {
		r.lacking[path] = struct{}{}
	}
}

// fired handles an event of the server's watch on path: it ends all one-shot
// watchers of the path. Those that did not ask for the event receive Resync, as
// the server does not watch for them any more. See keeper.certain. ours
// reports whether the client has set the watch.
func (r *registry) fired(path string, e watch.Event, certain int) (ours bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[path]
	if s == nil {
		return false
	}
	s.events++
	exact := s.beats < certain // all requests were executed before the event
	for _, w := range s.oneShots {
		got := watch.Event{Path: path, Type: watch.Resync}
		if (exact || w.first) && w.wants(path, e) {
			got = e
		}
		r.deliver(path, w, got)
	}
	s.oneShots = nil
	for _, sub := range s.subs {
		r.report(sub, path, e)
	}
	s.requests = max(s.requests-1, 0) // at least the one that set the watch is used up
	if exact {
		s.requests = 0
	}
	r.release(path, s)
	return true
}

func (r *registry) deliver(path string, w oneShot, e watch.Event) {
	if !w.offer(e) {
		r.dropped(path, e)
	}
}

// poll serves the watchers that the server's watch does not cover: one-shot
// watchers receive Resync, and persistent watches read the node.
func (r *registry) poll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path := range r.lacking {
		if s := r.slots[path]; s != nil {
			r.missed(path, s, false)
		}
	}
	clear(r.lacking)
}

// audit serves the watchers whose watches are not listed by the server.
func (r *registry) audit(listed map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, s := range r.slots {
		if s.requests > 0 && !listed[path] {
			r.missed(path, s, true)
		}
	}
}

// missed handles events of path that may have been missed by all its watchers, or
// only by those that are not covered: one-shot watchers receive Resync, and
// persistent watches read the node.
func (r *registry) missed(path string, s *slot, all bool) {
	s.oneShots = slices.DeleteFunc(s.oneShots, func(w oneShot) bool {
		if all || !w.covered {
			r.deliver(path, w, watch.Event{Path: path, Type: watch.Resync})
		}
		return all || !w.covered
	})
	for _, sub := range s.subs {
		sub.mark(path)
	}
	r.release(path, s)
}

// forget records that events may have been lost, or with newSession that the
// server has no watches. One-shot watchers receive Resync, and persistent watches
// read all their nodes.
func (r *registry) forget(newSession bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, s := range r.slots {
		s.beats = 0 // a new connection counts anew
		if newSession {
			s.requests = 0
		}
		r.missed(path, s, true)
	}
	clear(r.lacking)
	for sub := range r.subs {
		sub.markAll()
	}
}
