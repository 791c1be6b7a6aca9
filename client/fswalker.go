package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// fsWalker is the sourceTree of a file system. It visits nodes in the order of walker,
// and holds the entries of one directory per level, but nothing open.
type fsWalker struct {
	fsys   fs.FS
	name   string // of the root in the upload
	hidden bool
	begun  bool
	levels []fsLevel
}

// fsLevel is the unvisited part of a directory.
type fsLevel struct {
	dir     string // path in the upload, escaped
	path    string // path in the file system
	entries []fs.DirEntry
}

// next implements sourceTree.
func (w *fsWalker) next() (node, error) {
	if !w.begun {
		w.begun = true
		return w.push(node{name: w.name, target: ".", typ: fs.ModeDir})
	}
	for len(w.levels) > 0 {
		l := &w.levels[len(w.levels)-1]
		if len(l.entries) == 0 {
			w.levels = w.levels[:len(w.levels)-1]
			continue
		}
		e := l.entries[0]
		l.entries = l.entries[1:]
		if !w.hidden && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		return w.visit(l, e)
	}
	return node{}, io.EOF
}

// visit returns the node of an entry.
func (w *fsWalker) visit(l *fsLevel, e fs.DirEntry) (node, error) {
	n := node{dir: l.dir, name: e.Name(), typ: e.Type()}
	if l.path != "." {
		n.prefix = l.path + "/"
	}
	if strings.Contains(n.name, "/") || !fs.ValidPath(n.path()) {
		return node{}, fmt.Errorf("%w: the file system has an entry with the invalid name %q in %s", ErrInvalid, n.name, l.path)
	}
	if _, ok := w.fsys.(fs.ReadLinkFS); n.typ == fs.ModeSymlink && !ok {
		return node{}, fmt.Errorf("%w: %s is a symlink, and the file system does not implement fs.ReadLinkFS, with which its target could be read", ErrInvalid, n)
	}
	if err := n.check(); err != nil || !n.typ.IsDir() {
		return n, err
	}
	return w.push(n)
}

// push adds a level with the entries of a directory, and returns its node.
func (w *fsWalker) push(n node) (node, error) {
	info, err := fs.Stat(w.fsys, n.path())
	if err != nil {
		return n, err
	}
	if !info.IsDir() {
		return n, errReplaced(n.path(), "directory")
	}
	n.meta = metadataOf(info)
	entries, err := fs.ReadDir(w.fsys, n.path())
	if err != nil {
		return n, err
	}
	entries = slices.Clone(entries) // the file system may keep them
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	w.levels = append(w.levels, fsLevel{dir: n.inUpload(), path: n.path(), entries: entries})
	return n, nil
}

// openFile implements sourceTree.
func (w *fsWalker) openFile(n node) (io.ReadCloser, metadata, error) {
	f, err := w.fsys.Open(n.path())
	if err != nil {
		return nil, metadata{}, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errReplaced(n.path(), "regular file")
	}
	if err != nil {
		return nil, metadata{}, errors.Join(err, f.Close())
	}
	return f, metadataOf(info), nil
}

// readLink implements sourceTree.
func (w *fsWalker) readLink(n node) (string, metadata, error) {
	target, err := fs.ReadLink(w.fsys, n.path())
	if err != nil {
		return "", metadata{}, err
	}
	info, err := fs.Lstat(w.fsys, n.path())
	if err != nil {
		return "", metadata{}, err
	}
	return target, metadataOf(info), nil
}

// size implements sourceTree.
func (w *fsWalker) size(n node) (int64, error) {
	info, err := fs.Stat(w.fsys, n.path())
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// close implements sourceTree.
func (w *fsWalker) close() error {
	w.begun, w.levels = true, nil
	return nil
}
