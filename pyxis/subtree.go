package pyxis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// window is the number of reads of a subtree in flight at a time.
const window = 1024

// subtree is the view of a persistent watch: the watched node and, if the watch is
// recursive, all nodes below.
//
// Each read of a node also sets the server's watch on it, so that the server
// reports the next change of the node. Between a read and the next one that an
// event causes, a node in nodes is as it was read, or its event is on the way. A
// node's children belong to the node, so a new child is found by the event of its
// parent, and is read then.
type subtree struct {
	path  string
	opt   WatchOption
	sub   *subscription
	nodes map[string]seen
	stale map[string]struct{}    // nodes to read
	gone  map[string]struct{}    // deleted nodes, to read if their parents have them again
	was   map[string]fingerprint // of nodes before they changed, since the last call of changes
}

// seen is a node and its fingerprint when it was read.
type seen struct {
	node  *node.Node
	print fingerprint
}

func newSubtree(path string, opt WatchOption, sub *subscription) *subtree {
	return &subtree{
		path: path, opt: opt, sub: sub, nodes: make(map[string]seen), was: make(map[string]fingerprint),
		stale: make(map[string]struct{}), gone: make(map[string]struct{}),
	}
}

// reading is the answer to the read of a node.
type reading struct {
	path   string
	answer *pyxiswire.Response
	err    error
}

// refresh reads the nodes that have changed since they were read, new nodes below
// them, and all nodes after a lost connection.
func (k *core) refresh(ctx context.Context, s *session, tree *subtree) error {
	k.watches.take(tree)
	defer clear(tree.stale)
	queue := tree.tops()
	answers := make(chan reading, window)
	stuck := time.NewTimer(k.callTimeout)
	defer stuck.Stop()
	if k.callTimeout == 0 {
		stuck.Stop() // no limit
	}
	for inFlight := 0; inFlight > 0 || len(queue) > 0; {
		for ; inFlight < window && len(queue) > 0; inFlight++ {
			last := len(queue) - 1
			if err := k.readInto(s, tree.sub, queue[last], answers); err != nil {
				return err
			}
			queue = queue[:last]
		}
		select {
		case r := <-answers:
			inFlight--
			if k.callTimeout > 0 {
				stuck.Reset(k.callTimeout)
			}
			if r.err != nil {
				return r.err
			}
			below, err := tree.apply(k.watches, r.path, r.answer)
			if err != nil {
				return err
			}
			queue = append(queue, below...)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-stuck.C:
			return fmt.Errorf("%w: no answer to a read for %v", context.DeadlineExceeded, k.callTimeout)
		}
	}
	return nil
}

// readInto sends a read that also sets the watch of the node. answers has room.
func (k *core) readInto(s *session, sub *subscription, path string, answers chan<- reading) error {
	m := stat(path)
	m.Watch = watchRequest(path, wholeNode)
	k.counters.count(m)
	k.watches.follow(sub, path)
	return s.start(m, func(answer *pyxiswire.Response, err error) {
		if mayWatch(answer) {
			k.watches.set(path, wholeNode, s.keeper.beats)
		}
		answers <- reading{path, answer, err}
	})
}

// tops returns the nodes to read first. A node whose parent is read as well is
// read later, if the parent still has it as a child: reading a node that does not
// exist would leave a watch at the server.
func (tree *subtree) tops() []string {
	var tops []string
	for path := range tree.stale {
		_, known := tree.nodes[path]
		_, later := tree.stale[parentOf(path)]
		if path == tree.path || known && !later {
			tops = append(tops, path)
		}
	}
	return tops
}

// apply stores the answer to a read. It returns the children to read: the new ones
// and those that have changed.
func (tree *subtree) apply(watches *registry, path string, answer *pyxiswire.Response) ([]string, error) {
	if path != tree.path && !tree.lists(path) { // it was deleted, together with its parent
		watches.unfollow(tree.sub, path)
		return nil, nil
	}
	switch codeOf(answer) {
	case pyxiswire.ErrorType_NONE:
	case pyxiswire.ErrorType_NOT_FOUND:
		tree.drop(watches, path)
		return nil, nil
	default:
		return nil, refusal("watch", path, answer, false)
	}
	stored, err := decodeNode(answer)
	if err != nil {
		return nil, err
	}
	if !tree.opt.ShowHidden {
		stored.Children = slices.DeleteFunc(stored.Children, func(name string) bool { return strings.HasPrefix(name, "_") })
	}
	slices.Sort(stored.Children)
	before := tree.nodes[path]
	tree.touch(path)
	tree.nodes[path] = seen{newNode(stored, true), fingerprintOf(stored)}
	if !tree.opt.Recursive {
		return nil, nil
	}
	if before.node != nil {
		for _, name := range before.node.Children {
			if _, exists := slices.BinarySearch(stored.Children, name); !exists {
				tree.drop(watches, childOf(path, name))
			}
		}
	}
	var below []string
	for _, name := range stored.Children {
		child := childOf(path, name)
		_, known := tree.nodes[child]
		_, changed := tree.stale[child]
		_, again := tree.gone[child]
		// The server's own nodes cause no events.
		if (!known || changed || again) && child != pyxiswire.Reserved {
			below = append(below, child)
			delete(tree.gone, child)
		}
	}
	return below, nil
}

// lists reports whether the parent of path has it as a child.
func (tree *subtree) lists(path string) bool {
	parent := tree.nodes[parentOf(path)].node
	if parent == nil {
		return false
	}
	_, exists := slices.BinarySearch(parent.Children, path[strings.LastIndexByte(path, '/')+1:])
	return exists
}

// drop removes a node and everything below it. A missing root stays watched.
func (tree *subtree) drop(watches *registry, path string) {
	if path != tree.path {
		watches.unfollow(tree.sub, path)
		delete(tree.gone, path)
	}
	gone, known := tree.nodes[path]
	if !known {
		return
	}
	tree.touch(path)
	delete(tree.nodes, path)
	if tree.opt.Recursive {
		for _, name := range gone.node.Children {
			tree.drop(watches, childOf(path, name))
		}
	}
}

// touch records how a node was before its first change.
func (tree *subtree) touch(path string) {
	if _, touched := tree.was[path]; !touched {
		tree.was[path] = tree.nodes[path].print
	}
}

// changes returns the events since its last call: first the deletions, children
// before parents, then the others sorted by path.
func (tree *subtree) changes() []*watch.Event {
	var gone, rest []*watch.Event
	for _, path := range slices.Sorted(maps.Keys(tree.was)) {
		kinds := diff(tree.was[path], tree.nodes[path].print)
		if kinds&watch.Delete != 0 {
			gone = append(gone, &watch.Event{Path: path, Type: watch.Delete})
		}
		for _, kind := range []watch.EventType{watch.Create, watch.Modify, watch.Children} {
			if kinds&kind != 0 {
				rest = append(rest, &watch.Event{Path: path, Type: kind})
			}
		}
	}
	clear(tree.was)
	slices.Reverse(gone)
	return append(gone, rest...)
}

// all returns the nodes by path.
func (tree *subtree) all() map[string]*node.Node {
	nodes := make(map[string]*node.Node, len(tree.nodes))
	for path, s := range tree.nodes {
		nodes[path] = s.node
	}
	return nodes
}

// childOf returns the path of a node's child.
func childOf(parent, name string) string { return strings.TrimSuffix(parent, "/") + "/" + name }
