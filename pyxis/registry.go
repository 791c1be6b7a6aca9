package pyxis

import (
	"slices"
	"sync"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// registry holds the watchers of each path. The server keeps one watch per path
// and session; a slot represents it and distributes its events.
//
// The registry never knows for certain whether the server still has a watch. So
// every read for a watcher sends the watch again, and the server ignores it if
// the path already has one. The field armed decides only whether the client
// sets the watch on its own initiative.
type registry struct {
	mu      sync.Mutex
	slots   map[string]*slot
	dropped func(path string, e watch.Event) // called for an event without room
}

// slot represents the watch of one path.
type slot struct {
	armed    bool // the server has the watch, as far as known
	reading  int  // reads in flight that will arm it
	oneShots []oneShot
	subs     []*subscription

	// If a read shows that the node has changed since its watch was set, the watch
	// has fired, even if the event has not arrived yet. That event is meant for
	// the watchers that were set before that read (an earlier generation), and
	// must not fire newer ones. owed counts such events.
	last       fingerprint // of the node when the watch was set
	lastKnown  bool
	generation int
	owed       int
}

// oneShot is a watcher that was passed to Read.
type oneShot struct {
	Watcher
	base       fingerprint // of the node when the watcher last saw it
	generation int
}

// subscription is a persistent watch. poke makes it read its path again.
type subscription struct {
	poke chan struct{}
}

func newRegistry(dropped func(string, watch.Event)) *registry {
	return &registry{slots: make(map[string]*slot), dropped: dropped}
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
	if !s.armed && s.reading == 0 && len(s.oneShots) == 0 && len(s.subs) == 0 {
		delete(r.slots, path)
	}
}

// reading announces a read that sets the watch of path. From now on, events of
// that watch may arrive.
func (r *registry) reading(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slot(path).reading++
}

// read ends a read announced by reading. Even without an answer the server may
// have set the watch. The slot is then kept so that an event of the watch does
// not go to the default watcher.
func (r *registry) read(path string, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	s.reading--
	if !answered && !s.armed && len(s.oneShots) == 0 {
		s.armed, s.lastKnown = true, false
	}
	r.release(path, s)
}

// set records that the server has the watch of path and that the node had the
// fingerprint now when the watch was set. It adds w if it is not nil. It is
// called in the order of the answers.
func (r *registry) set(path string, now fingerprint, w *Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	if s.armed {
		if s.lastKnown && s.last != now {
			s.generation++
			s.owed++
		}
	} else {
		s.compare(r, path, now, false)
	}
	s.armed, s.last, s.lastKnown = true, now, true
	if w != nil {
		s.oneShots = append(s.oneShots, oneShot{*w, now, s.generation})
	}
}

// fired delivers an event of the watch on path to its watchers. ours reports
// whether the path has a slot. rearm reports whether watchers are left, for
// which the node must be read and the watch set again.
func (r *registry) fired(path string, e watch.Event) (ours, rearm bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[path]
	if s == nil {
		return false, false
	}
	generation := s.generation - s.owed
	if s.owed > 0 {
		s.owed--
	} else {
		s.armed = false
	}
	s.deliver(r, path, func(w *oneShot) (watch.Event, bool) {
		if w.generation > generation {
			return e, false
		}
		return w.choose(path, e)
	})
	s.pokeAll()
	r.release(path, s)
	return true, len(s.oneShots) > 0
}

// reread records that the server has the watch of path again and delivers
// missed changes to its watchers. With resync, after a lost connection, a
// recursive watcher without a missed change receives watch.Resync.
func (r *registry) reread(path string, now fingerprint, resync bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	s.compare(r, path, now, resync)
	s.armed, s.last, s.lastKnown = true, now, true
}

// compare delivers to each watcher an event for the change of the node since
// the watcher last saw it.
func (s *slot) compare(r *registry, path string, now fingerprint, resync bool) {
	s.deliver(r, path, func(w *oneShot) (watch.Event, bool) {
		missed := diff(w.base, now)
		w.base = now
		for bit := watch.Create; bit <= watch.Children; bit <<= 1 {
			e := watch.Event{Path: path, Type: bit}
			if missed&bit != 0 && w.wants(path, e) {
				return e, true
			}
		}
		return watch.Event{Path: path, Type: watch.Resync}, resync && w.Recursive
	})
}

// deliver sends each one-shot watcher its event, if any, and then removes it.
func (s *slot) deliver(r *registry, path string, event func(*oneShot) (watch.Event, bool)) {
	kept := s.oneShots[:0]
	for i := range s.oneShots {
		w := &s.oneShots[i]
		if e, ok := event(w); !ok {
			kept = append(kept, *w)
		} else if !w.offer(e) {
			r.dropped(path, e)
		}
	}
	clear(s.oneShots[len(kept):])
	s.oneShots = kept
}

func (s *slot) pokeAll() {
	for _, sub := range s.subs {
		select {
		case sub.poke <- struct{}{}:
		default:
		}
	}
}

// forget records that the server may have lost its watches, or in a new session
// has lost them. It pokes every subscription.
func (r *registry) forget(newSession bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, s := range r.slots {
		s.owed, s.lastKnown = 0, false
		// A slot without watchers stays until the session ends: the server may still
		// send its event, which must not go to the default watcher.
		s.armed = s.armed && !newSession && len(s.oneShots) == 0
		s.pokeAll()
		r.release(path, s)
	}
}

// unarmed returns the paths with one-shot watchers whose watch must be set
// again. Subscriptions set theirs by themselves.
func (r *registry) unarmed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var paths []string
	for path, s := range r.slots {
		if !s.armed && s.reading == 0 && len(s.oneShots) > 0 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// subscribe adds a persistent watch of path.
func (r *registry) subscribe(path string) *subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	sub := &subscription{poke: make(chan struct{}, 1)}
	s := r.slot(path)
	s.subs = append(s.subs, sub)
	return sub
}

func (r *registry) unsubscribe(path string, sub *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	s.subs = slices.DeleteFunc(s.subs, func(o *subscription) bool { return o == sub })
	r.release(path, s)
}
