// Package parts reads a multipart upload as the tree of files that a server makes
// of it, while the upload is sent.
//
// Servers ignore some entries of an upload without an error. Package parts returns
// an error for these, because they would be lost.
package parts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/quotedprintable"
	"path"
	"strings"
	"time"

	"github.com/ipfs/boxo/files"
)

// A Tree is the directory of the top-level entries of an upload. Its entries can
// be read once, in order, each before the next.
type Tree struct {
	// Progress, if not nil, is called after progressStep further bytes of a file
	// were read, at its end, and for each symlink.
	Progress func(Read) error

	dir
	r *reader
	// wrap is set if the server puts all top-level entries into one directory.
	wrap bool
	// ahead is the head of the next part, if known is set.
	ahead head
	known bool
	// top is the name of the first top-level entry.
	top *string
	err error // final
}

// Read is how far a file or a symlink of an upload was read.
type Read struct {
	Path string // in the upload
	// Name is the name under which a server reports the progress of the file: the
	// path below the top-level entry. It is empty for a symlink, of which servers
	// report none.
	Name  string
	Bytes uint64 // of the content of a file so far
	Ended bool   // these are all
	// Symlink is set for a symlink.
	Symlink bool
}

// New returns the tree of an upload with this boundary, which pull delivers piece
// by piece. A piece stays valid until the next call of pull. When New's Tree calls
// pull, all that can be known from the earlier pieces was read from the Tree. The
// Tree does not call pull any more when it has seen the closing delimiter.
//
// Without wrap, the upload may have only one top-level entry.
func New(boundary string, wrap bool, pull func() ([]byte, error)) *Tree {
	t := &Tree{r: newReader(boundary, pull), wrap: wrap}
	t.dir = dir{tree: t, path: "/"}
	return t
}

var (
	errNoName    = errors.New("a part has no file name, so that it would be lost")
	errTwoRoots  = errors.New("several top-level entries, of which only the last one would be pinned: set Wrap, or add them one by one")
	errUnread    = errors.New("text after the entry that the server would read")
	errSeek      = errors.New("an upload cannot be read again")
	errLongLink  = errors.New("the target of a symlink is too long")
	errTruncated = errors.New("the upload ends before its closing delimiter")
)

// maxLink is the maximum length of the target of a symlink, in bytes.
const maxLink = 64 << 10

// Finish returns an error if a server would have stopped before the closing
// delimiter. It is called after the entries were read.
func (t *Tree) Finish() error {
	h, err := t.peek()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	case h.path == "":
		return errNoName
	}
	return errUnread
}

// Err returns the error that Finish will return because of what was read so far: a
// server would refuse the upload, or lose a part of it.
func (t *Tree) Err() error {
	if t.err == io.EOF {
		return nil
	}
	return t.err
}

// peek returns the head of the next part. At the end it returns io.EOF.
func (t *Tree) peek() (head, error) {
	if t.known || t.err != nil {
		return t.ahead, t.err
	}
	text, err := t.r.next()
	if err == nil {
		t.ahead, err = parseHead(text)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	t.known, t.err = err == nil, err
	return t.ahead, t.err
}

// enter returns an error if the server would lose a top-level entry.
func (t *Tree) enter(name string, isDir bool) error {
	switch {
	case t.wrap:
	case t.top == nil:
		t.top = &name
	case !isDir || *t.top != name:
		return errTwoRoots
	}
	return nil
}

// dir is a directory of the tree.
type dir struct {
	node
	tree *Tree
	path string // absolute
}

// Entries implements files.Directory.
func (d *dir) Entries() files.DirIterator { return &iterator{dir: d} }

// iterator iterates over the entries of a directory. The entries of a directory
// are the parts whose paths are below its path, up to the first one that is not.
type iterator struct {
	dir  *dir
	name string
	node files.Node
	err  error
}

func (it *iterator) Name() string     { return it.name }
func (it *iterator) Node() files.Node { return it.node }
func (it *iterator) Err() error       { return it.err }

func (it *iterator) Next() bool {
	t := it.dir.tree
	if it.err != nil {
		return false
	}
	h, err := t.peek()
	if err != nil {
		if err != io.EOF {
			it.err = err
		}
		return false
	}
	below, ok := relative(h.path, it.dir.path)
	if !ok {
		return false
	}
	name, _, implicit := strings.Cut(below, "/")
	if implicit && name == it.name {
		return it.fail(fmt.Errorf("%s is a directory and a file", path.Join(it.dir.path, name)))
	}
	it.name = name
	at := path.Join(it.dir.path, name)
	switch {
	case implicit:
		it.node = &dir{tree: t, path: at}
	default:
		t.known = false
		it.node, it.err = t.open(h, at)
	}
	if it.err == nil && it.dir == &t.dir {
		_, isDir := it.node.(files.Directory)
		it.err = t.enter(name, isDir)
	}
	return it.err == nil || it.fail(it.err)
}

// fail records that the upload is wrong, and returns false.
func (it *iterator) fail(err error) bool {
	it.err, it.dir.tree.err = err, err
	return false
}

// relative returns the path of a part relative to a directory. It returns false
// if the part is not below the directory.
func relative(name, dir string) (string, bool) {
	if dir != "/" {
		var ok bool
		if name, ok = strings.CutPrefix(name, dir); !ok {
			return "", false
		}
	}
	below, ok := strings.CutPrefix(name, "/")
	return below, ok && below != ""
}

// open returns the node of a part.
func (t *Tree) open(h head, at string) (files.Node, error) {
	var content io.Reader = t.r
	if h.quoted {
		content = quotedprintable.NewReader(content)
	}
	switch h.kind {
	case directory:
		return &dir{tree: t, path: at}, nil
	case symlink:
		target, err := io.ReadAll(io.LimitReader(content, maxLink+1))
		if err == nil && len(target) > maxLink {
			err = errLongLink
		}
		if err == nil && t.Progress != nil {
			err = t.Progress(Read{Path: at[1:], Ended: true, Symlink: true})
		}
		return files.NewSymlinkFile(string(target), time.Time{}), err
	}
	return &regular{content: content, tree: t, path: at[1:]}, nil
}

// progressName returns the name that a server uses in the progress of a file.
func (t *Tree) progressName(path string) string {
	if t.wrap {
		return path
	}
	_, name, _ := strings.Cut(path, "/")
	return name
}

// regular is a file of the tree.
type regular struct {
	node
	content io.Reader
	tree    *Tree
	path    string
	// read is the number of bytes read, and reported that of the last call of Progress.
	read, reported uint64
	ended          bool
}

// progressStep is the number of bytes between two calls of Progress for a file.
const progressStep = 256 << 10

// Read implements files.File.
func (f *regular) Read(p []byte) (int, error) {
	n, err := f.content.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	f.read += uint64(n)
	if f.tree.Progress == nil || f.ended || f.read < f.reported+progressStep && err != io.EOF {
		return n, err
	}
	f.reported, f.ended = f.read, err == io.EOF
	at := Read{Path: f.path, Name: f.tree.progressName(f.path), Bytes: f.read, Ended: f.ended}
	if failed := f.tree.Progress(at); failed != nil {
		err = failed
	}
	return n, err
}

// Seek implements files.File.
func (f *regular) Seek(int64, int) (int64, error) { return 0, errSeek }

// node has the methods of files.Node that an import does not need.
type node struct{}

func (node) Close() error         { return nil }
func (node) Size() (int64, error) { return 0, files.ErrNotSupported }
func (node) Mode() fs.FileMode    { return 0 }
func (node) ModTime() time.Time   { return time.Time{} }

// Skim reads all entries of d and discards them.
func Skim(d files.Directory) error {
	it := d.Entries()
	for it.Next() {
		switch n := it.Node().(type) {
		case files.Directory:
			if err := Skim(n); err != nil {
				return err
			}
		case *files.Symlink:
		case files.File:
			if _, err := io.Copy(io.Discard, n); err != nil {
				return err
			}
		}
	}
	return it.Err()
}
