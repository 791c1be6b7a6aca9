package client

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/api"
)

// walker is the sourceTree of paths in the file system. It visits nodes depth-first: a
// directory before its children, and the children sorted by name. It holds one open
// directory per level, and the entries of that directory.
//
// Everything below a root is opened relative to its directory, and symlinks are never
// followed. So nothing outside the tree is read, even if a directory is moved or replaced
// by a symlink during the upload.
type walker struct {
	hidden bool
	levels []level
}

// level is the unvisited part of a directory, or of the roots.
type level struct {
	nodes   []node        // roots
	dir     string        // path in the upload, escaped
	prefix  string        // path in the file system, with a trailing separator
	open    *directory    // nil for the roots
	entries []fs.DirEntry // sorted
}

func newWalker(roots []node, params *api.AddParams) *walker {
	return &walker{hidden: params.Hidden, levels: []level{{nodes: roots}}}
}

func (w *walker) openFile(n node) (io.ReadCloser, metadata, error) { return n.openFile() }
func (w *walker) readLink(n node) (string, metadata, error)        { return n.readLink() }
func (w *walker) size(n node) (int64, error)                       { return n.size() }

// next implements sourceTree.
func (w *walker) next() (node, error) {
	n, err := w.step()
	if err == nil {
		err = n.check()
	}
	if err == nil && n.typ.IsDir() {
		err = w.push(&n)
	}
	return n, err
}

func (w *walker) step() (node, error) {
	for len(w.levels) > 0 {
		l := &w.levels[len(w.levels)-1]
		switch {
		case len(l.nodes) > 0:
			n := l.nodes[0]
			l.nodes = l.nodes[1:]
			return n, nil
		case len(l.entries) > 0:
			e := l.entries[0]
			l.entries = l.entries[1:]
			if !w.hidden && strings.HasPrefix(e.Name(), ".") {
				continue
			}
			return node{dir: l.dir, name: e.Name(), prefix: l.prefix, parent: l.open, typ: e.Type()}, nil
		}
		if err := w.pop(); err != nil {
			return node{}, err
		}
	}
	return node{}, io.EOF
}

// push opens the directory n and adds a level with its entries.
func (w *walker) push(n *node) error {
	open, err := n.openDirectory()
	if err != nil {
		return err
	}
	var entries []fs.DirEntry
	if n.meta, err = open.metadata(); err == nil {
		entries, err = open.entries()
	}
	if err != nil {
		return errors.Join(err, open.close())
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	w.levels = append(w.levels, level{
		dir:     n.inUpload(),
		prefix:  n.path() + string(os.PathSeparator),
		open:    open,
		entries: entries,
	})
	return nil
}

// pop removes the last level and closes its directory.
func (w *walker) pop() error {
	open := w.levels[len(w.levels)-1].open
	w.levels = w.levels[:len(w.levels)-1]
	if open == nil {
		return nil
	}
	return open.close()
}

// close implements sourceTree. After it, next returns io.EOF.
func (w *walker) close() error {
	var errs []error
	for len(w.levels) > 0 {
		errs = append(errs, w.pop())
	}
	return errors.Join(errs...)
}
