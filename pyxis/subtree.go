package pyxis

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// maxPipelined is the number of reads of a subtree in flight at a time.
const maxPipelined = 128

// subtree is a view of a persistent watch: nodes by path.
type subtree map[string]seen

// seen is a node and its fingerprint when it was read.
type seen struct {
	node  *node.Node
	print fingerprint
}

// readSubtree sets the watch of the node at path and reads it, and then
// everything below it if opt.Recursive. It leaves out nodes that do not exist:
// a node deleted after the watch was set has fired the watch.
func (k *core) readSubtree(ctx context.Context, s *session, path string, opt WatchOption) (subtree, error) {
	k.watches.reading(path)
	m := statAndWatch(path)
	m.Sid = &s.sid
	answer, err := s.link.conn.Do(ctx, m, func(answer *pyxiswire.Response, awaited bool) {
		if !awaited || answer == nil {
			return
		}
		if now, ok := fingerprintOfAnswer(answer); ok {
			k.watches.set(path, now, nil)
		}
	})
	k.watches.read(path, err == nil)
	if err != nil {
		return nil, err
	}
	tree := subtree{}
	level, err := tree.add(path, answer, opt)
	for err == nil && len(level) > 0 {
		n := min(len(level), maxPipelined)
		var below []string
		below, err = k.readLevel(ctx, s, tree, level[:n], opt)
		level = append(level[n:], below...)
	}
	return tree, err
}

// readLevel reads the given nodes into tree, pipelined, and returns the paths
// of their children.
func (k *core) readLevel(ctx context.Context, s *session, tree subtree, paths []string, opt WatchOption) ([]string, error) {
	type result struct {
		path   string
		answer *pyxiswire.Response
		err    error
	}
	results := make(chan result, len(paths))
	for _, path := range paths {
		m := &pyxiswire.Request{Stat: &pyxiswire.StatRequest{Path: &path}}
		err := s.start(m, func(answer *pyxiswire.Response, err error) { results <- result{path, answer, err} })
		if err != nil {
			return nil, err
		}
	}
	var below []string
	for range paths {
		select {
		case r := <-results:
			if r.err != nil {
				return nil, r.err
			}
			children, err := tree.add(r.path, r.answer, opt)
			if err != nil {
				return nil, err
			}
			below = append(below, children...)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return below, nil
}

// add stores the answer to a stat of path. It returns the paths of the children
// that must be read as well.
func (tree subtree) add(path string, answer *pyxiswire.Response, opt WatchOption) ([]string, error) {
	switch codeOf(answer) {
	case pyxiswire.ErrorType_NONE:
	case pyxiswire.ErrorType_NOT_FOUND:
		return nil, nil
	default:
		return nil, refusal("watch", path, answer, false)
	}
	stored, err := decodeNode(answer)
	if err != nil {
		return nil, err
	}
	if !opt.ShowHidden {
		stored.Children = slices.DeleteFunc(stored.Children, func(name string) bool { return strings.HasPrefix(name, "_") })
	}
	slices.Sort(stored.Children)
	tree[path] = seen{newNode(stored, true), fingerprintOf(stored)}
	if !opt.Recursive {
		return nil, nil
	}
	parent := strings.TrimSuffix(path, "/") + "/"
	var below []string
	for _, name := range stored.Children {
		// The server's own nodes cause no events.
		if child := parent + name; child != pyxiswire.Reserved {
			below = append(below, child)
		}
	}
	return below, nil
}

// changes returns the events between two views: first the deletions, children
// before parents, then the others sorted by path.
func changes(before, after subtree) []*watch.Event {
	var gone, rest []*watch.Event
	for path := range before {
		if diff(before[path].print, after[path].print)&watch.Delete != 0 {
			gone = append(gone, &watch.Event{Path: path, Type: watch.Delete})
		}
	}
	slices.SortFunc(gone, func(a, b *watch.Event) int { return strings.Compare(b.Path, a.Path) })
	for _, path := range slices.Sorted(maps.Keys(after)) {
		kinds := diff(before[path].print, after[path].print)
		for _, kind := range []watch.EventType{watch.Create, watch.Modify, watch.Children} {
			if kinds&kind != 0 {
				rest = append(rest, &watch.Event{Path: path, Type: kind})
			}
		}
	}
	return append(gone, rest...)
}
