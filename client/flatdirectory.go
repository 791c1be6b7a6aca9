package client

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"sync"
	"time"

	"github.com/ipfs/boxo/files"
)

// flatDirectory passes a tree to the AddMultiFile of a Client that does not implement
// BodyAdder. It is the root of a files.MultiFileReader, and lists all nodes of the
// tree, each with its path as its name.
type flatDirectory struct {
	files.Directory // nil; has the methods that a MultiFileReader does not call
	tree            sourceTree

	at   node
	item files.Node
	err  error

	mu      sync.Mutex
	content io.ReadCloser // of the current node; guarded by mu
	reading bool          // a Read of content is in progress
	ended   bool
}

var errAddEnded = errors.New("the add is over")

// Entries implements files.Directory.
func (d *flatDirectory) Entries() files.DirIterator { return d }

// Err implements files.DirIterator.
func (d *flatDirectory) Err() error { return d.err }

// Node implements files.DirIterator.
func (d *flatDirectory) Node() files.Node { return d.item }

// Name implements files.DirIterator.
func (d *flatDirectory) Name() string {
	name, err := url.QueryUnescape(d.at.inUpload())
	if err != nil {
		panic(err) // inUpload has escaped it
	}
	return name
}

// Next implements files.DirIterator.
func (d *flatDirectory) Next() bool {
	if d.err != nil {
		return false
	}
	d.at, d.err = d.tree.next()
	if d.err == io.EOF {
		d.err = nil
		return false
	}
	if d.err == nil {
		d.item, d.err = d.open(d.at)
	}
	return d.err == nil
}

func (d *flatDirectory) open(n node) (files.Node, error) {
	switch {
	case n.typ.IsDir():
		return &emptyDirectory{Directory: files.NewSliceDirectory(nil), meta: n.meta}, nil
	case n.typ == fs.ModeSymlink:
		target, meta, err := d.tree.readLink(n)
		return files.NewSymlinkFile(target, meta.modTime), err
	}
	content, meta, err := d.tree.openFile(n)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.content = content
	if d.ended {
		return nil, errors.Join(errAddEnded, d.closeContent())
	}
	return &flatFile{dir: d, meta: meta}, nil
}

// end closes what is open, or lets the Read that is in progress close it.
func (d *flatDirectory) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if !d.reading {
		_ = d.closeContent()
	}
}

// closeContent closes the content of the current node.
func (d *flatDirectory) closeContent() error {
	if d.content == nil {
		return nil
	}
	content := d.content
	d.content = nil
	return content.Close()
}

// emptyDirectory is a directory whose content the flatDirectory itself lists.
type emptyDirectory struct {
	files.Directory
	meta metadata
}

func (d *emptyDirectory) Mode() fs.FileMode  { return d.meta.mode }
func (d *emptyDirectory) ModTime() time.Time { return d.meta.modTime }

// flatFile is the current file of a flatDirectory.
type flatFile struct {
	files.File // nil; has the methods that a MultiFileReader does not call
	dir        *flatDirectory
	meta       metadata
}

func (f *flatFile) Mode() fs.FileMode  { return f.meta.mode }
func (f *flatFile) ModTime() time.Time { return f.meta.modTime }

// Read implements io.Reader.
func (f *flatFile) Read(p []byte) (n int, err error) {
	content := f.begin()
	if content == nil {
		return 0, errAddEnded
	}
	defer f.finish()
	return content.Read(p)
}

func (f *flatFile) begin() io.Reader {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	if f.dir.ended || f.dir.content == nil {
		return nil
	}
	f.dir.reading = true
	return f.dir.content
}

func (f *flatFile) finish() {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	f.dir.reading = false
	if f.dir.ended {
		_ = f.dir.closeContent()
	}
}

// Close implements io.Closer.
func (f *flatFile) Close() error {
	f.dir.mu.Lock()
	defer f.dir.mu.Unlock()
	return f.dir.closeContent()
}
