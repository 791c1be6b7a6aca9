package pyxistest

import (
	"maps"
	"slices"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// watch is a session's watch on a path.
type watch struct {
	mask      uint32
	recursive bool
}

// watches holds a leader's watches by path and sid. There is one for each pair.
type watches map[string]map[uint64]watch

// set adds a watch, unless the session already has one on the path.
func (w watches) set(sid uint64, req *pyxiswire.WatchRequest) {
	path := req.GetPath()
	if _, taken := w[path][sid]; taken {
		return
	}
	if w[path] == nil {
		w[path] = make(map[uint64]watch)
	}
	w[path][sid] = watch{mask: req.GetWatch(), recursive: req.GetRecursive()}
}

func (w watches) remove(sid uint64, path string) {
	delete(w[path], sid)
	if len(w[path]) == 0 {
		delete(w, path)
	}
}

// removeAll removes a session's watches.
func (w watches) removeAll(sid uint64) {
	for path := range w {
		w.remove(sid, path)
	}
}

// of returns a session's watches, sorted by path.
func (w watches) of(sid uint64) []Watch {
	var all []Watch
	for _, path := range slices.Sorted(maps.Keys(w)) {
		if set, ok := w[path][sid]; ok {
			all = append(all, Watch{Path: path, Mask: set.mask, Recursive: set.recursive})
		}
	}
	return all
}

// fire removes the watches that match an event and calls deliver for each:
// first for those on the path itself, then for recursive ones above it, the
// nearest first.
func (w watches) fire(path string, kind uint32, deliver func(sid uint64, e Event)) {
	for at, exact := path, true; ; exact = false {
		for _, sid := range slices.Sorted(maps.Keys(w[at])) {
			set := w[at][sid]
			if set.mask&kind == 0 || !exact && !set.recursive {
				continue
			}
			w.remove(sid, at)
			deliver(sid, Event{Watched: at, Path: path, Type: kind})
		}
		if at == root {
			return
		}
		at, _, _ = split(at)
	}
}
