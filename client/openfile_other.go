//go:build !unix

package client

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// directory is an open directory.
type directory struct{ root *os.Root }

func (d *directory) close() error { return d.root.Close() }

func (d *directory) metadata() (metadata, error) {
	info, err := d.root.Stat(".")
	if err != nil {
		return metadata{}, err
	}
	return metadataOf(info), nil
}

func (d *directory) entries() ([]fs.DirEntry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

func (n node) lstat() (fs.FileInfo, error) {
	if n.parent == nil {
		return os.Lstat(n.path())
	}
	return n.parent.root.Lstat(n.name)
}

// same returns an error if the node is not what was opened: os.Root follows
// symlinks within the root.
func (n node) same(opened fs.FileInfo, want fs.FileMode, kind string) error {
	now, err := n.lstat()
	if err == nil && (opened.Mode().Type() != want || !os.SameFile(opened, now)) {
		err = errReplaced(n.path(), kind)
	}
	return err
}

func (n node) openDirectory() (*directory, error) {
	open := os.OpenRoot
	path := n.path()
	if n.parent != nil {
		open, path = n.parent.root.OpenRoot, n.name
	}
	root, err := open(path)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil {
		err = n.same(opened, fs.ModeDir, "directory")
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &directory{root}, nil
}

func (n node) openFile() (io.ReadCloser, metadata, error) {
	open := os.Open
	path := n.path()
	if n.parent != nil {
		open, path = n.parent.root.Open, n.name
	}
	f, err := open(path)
	if err != nil {
		return nil, metadata{}, err
	}
	opened, err := f.Stat()
	if err == nil {
		err = n.same(opened, 0, "regular file")
	}
	if err != nil {
		return nil, metadata{}, errors.Join(err, f.Close())
	}
	return f, metadataOf(opened), nil
}

func (n node) readLink() (string, metadata, error) {
	info, err := n.lstat()
	if err != nil {
		return "", metadata{}, err
	}
	read := os.Readlink
	path := n.path()
	if n.parent != nil {
		read, path = n.parent.root.Readlink, n.name
	}
	target, err := read(path)
	return target, metadataOf(info), err
}

func (n node) size() (int64, error) {
	info, err := n.lstat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
