package pyxis

import (
	"slices"
	"sync"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// registry knows who watches which path. The server keeps one watch per path
// and session; a slot stands for it and shares its events out.
//
// What the server holds is never certain: so every read for a watcher sends the
// watch again (the server ignores it while one is set), and armed only decides
// whether the registry asks for one by itself.
type registry struct {
	mu      sync.Mutex
	slots   map[string]*slot
	dropped func(path string, e watch.Event) // an event found no room
}

// slot is the watch of one path.
type slot struct {
	armed    bool // the server holds the watch, as far as known
	reading  int  // reads in flight that will arm it
	oneShots []oneShot
	subs     []*subscription

	// A node that changed while its watch was set has fired it, though the
	// event may still be under way: it is owed to those who watched before the
	// change was seen (a generation), and must not consume newer watchers.
	last       fingerprint // of the node when the watch was set
	lastKnown  bool
	generation int
	owed       int
}

// oneShot is a watcher of a Read.
type oneShot struct {
	Watcher
	base       fingerprint // of the node when the watcher last knew it
	generation int
}

// subscription is a persistent watch: poked when its path has to be read anew.
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

// release forgets a slot for which neither side has any use.
func (r *registry) release(path string, s *slot) {
	if !s.armed && s.reading == 0 && len(s.oneShots) == 0 && len(s.subs) == 0 {
		delete(r.slots, path)
	}
}

// reading announces that a read is under way that sets the watch of path: its
// events are expected from now on.
func (r *registry) reading(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slot(path).reading++
}

// read tells that such a read is over. When it was not answered, the server may
// hold the watch all the same; then an event of it is nobody's.
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

// set notes that the server holds the watch of path since the node was as
// given, and adds the watcher, if any. Called in the order of the answers.
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

// fired shares out an event of the watch on path. It returns whether the path
// belongs to anybody here, and whether its watch must be set again, or the node
// at least be read for those for whom the event is too old.
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

// reread notes that the server holds the watch of path again, and tells watchers
// of what they missed. After a lost connection (resync) a recursive one for which
// that is nothing is told to look itself.
func (r *registry) reread(path string, now fingerprint, resync bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slot(path)
	s.compare(r, path, now, resync)
	s.armed, s.last, s.lastKnown = true, now, true
}

// compare gives watchers an event for what happened to the node since they last
// knew it.
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

// deliver gives each one-shot watcher its event, if it has one, and forgets it.
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

// forget tells that the server may have forgotten its watches, and, in a new
// session, that it holds none. It pokes every subscription.
func (r *registry) forget(newSession bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path, s := range r.slots {
		s.owed, s.lastKnown = 0, false
		// A slot of nobody stays until the session ends: the server may still
		// have an event for it, which is nobody else's either.
		s.armed = s.armed && !newSession && len(s.oneShots) == 0
		s.pokeAll()
		r.release(path, s)
	}
}

// unarmed returns the paths whose watch has to be set again, and which no
// subscription sets by itself.
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
