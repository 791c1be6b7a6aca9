package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/nilness"
)

// Added is the result of AddReader, AddBytes, AddPaths and AddFS.
type Added struct {
	// Root is the CID of everything that was added: that of the file, of the
	// directory or, with params.Wrap or with several paths, of the directory that
	// contains them. It is what was pinned. It is undefined with params.Shard,
	// because the reports do not show which of them is the root.
	Root cid.Cid
	// Outputs are the reports of what was added, in the order in which they came: the
	// files and then the directories. Reports of progress are left out.
	Outputs []*api.AddedOutput
}

// AddReader adds what r returns until io.EOF as a file with this name. A nil params
// means api.DefaultAddParams.
//
// AddReader reads r once and does not close it. A load balancer keeps what it has
// read, within its limits for replays, so that it can repeat the add. When AddReader
// returns an error, a Read of r may still be in progress, but no further one starts.
//
// Every way to add is verified as [Client.Add] is.
func AddReader(ctx context.Context, c Client, name string, r io.Reader, params *api.AddParams) (*Added, error) {
	if nilness.Is(r) {
		return nil, invalid(OpAddMultiFile, "no reader to add from")
	}
	if err := checkRootName(name); err != nil {
		return nil, err
	}
	ctx, end := startWithTotals(ctx, params, func(context.Context) (files, bytes int64) { return sizeOf(r) })
	defer end()
	return collectAdd(c, OpAddMultiFile, params, func(out chan<- *api.AddedOutput) error {
		file := files.NewReaderFile(struct{ io.Reader }{r}) // without Close
		dir := files.NewSliceDirectory([]files.DirEntry{files.FileEntry(name, file)})
		return c.AddMultiFile(ctx, files.NewMultiFileReader(dir, true, false), params, out)
	})
}

// AddBytes adds data as a file with this name. Unlike AddReader, it needs no memory
// for repeating the add. data must not change before AddBytes returns. A nil params
// means api.DefaultAddParams.
func AddBytes(ctx context.Context, c Client, name string, data []byte, params *api.AddParams) (*Added, error) {
	if err := checkRootName(name); err != nil {
		return nil, err
	}
	return addTree(ctx, c, params, func() sourceTree { return &bytesTree{name: name, data: data} })
}

// AddPaths is [Client.Add] with its outputs collected. Several paths are always
// wrapped in a directory, which is the root. A nil params means api.DefaultAddParams.
func AddPaths(ctx context.Context, c Client, paths []string, params *api.AddParams) (*Added, error) {
	return collectAdd(c, OpAdd, params, func(out chan<- *api.AddedOutput) error {
		return c.Add(ctx, paths, params, out)
	})
}

// AddFS adds everything in fsys as a directory with this name. It opens one file at a
// time, and opens the files again if the add is repeated. A load balancer of clients
// that do not implement [BodyAdder] cannot repeat it.
//
// Files whose names begin with a dot are left out unless params.Hidden is set. A
// symlink is added as a symlink if fsys implements fs.ReadLinkFS. Any other symlink,
// and what is neither a file nor a directory, is an ErrInvalid. params.Recursive has
// no effect, and a CAR cannot be added in this way. A nil params means
// api.DefaultAddParams.
func AddFS(ctx context.Context, c Client, name string, fsys fs.FS, params *api.AddParams) (*Added, error) {
	if nilness.Is(fsys) {
		return nil, invalid(OpAddMultiFile, "no file system to add")
	}
	if err := checkRootName(name); err != nil {
		return nil, err
	}
	if params == nil {
		params = api.DefaultAddParams()
	}
	switch {
	case params.Format == formatCAR:
		return nil, invalid(OpAddMultiFile, "a file system is not a CAR: add the CAR file in it with AddReader")
	case params.NoCopy:
		return nil, invalid(OpAddMultiFile, "NoCopy works for http:// and https:// sources only")
	}
	return addTree(ctx, c, params, func() sourceTree { return &fsWalker{fsys: fsys, name: name, hidden: params.Hidden} })
}

// checkRootName returns an error if name cannot be that of a top-level entry.
func checkRootName(name string) error {
	if name == "" || name == "." || name == ".." || name != path.Base(name) {
		return invalid(OpAddMultiFile, "%q is not the name of a file: give one without slashes", name)
	}
	return nil
}

// addTree adds a tree, which open returns in its initial state.
func addTree(ctx context.Context, c Client, params *api.AddParams, open func() sourceTree) (*Added, error) {
	ctx, end := startWithTotals(ctx, params, func(ctx context.Context) (files, bytes int64) { return measure(ctx, open()) })
	defer end()
	if adder, ok := c.(BodyAdder); ok {
		boundary, opened := newBoundary(), false
		body := &Body{Boundary: boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
			opened = true
			return newTreeBody(ctx, boundary, open()), nil
		}}
		added, err := collectAdd(c, OpAddMultiFile, params, func(out chan<- *api.AddedOutput) error {
			return adder.AddBody(ctx, body, params, out)
		})
		if opened || !errors.Is(err, ErrBodyNotReplayable) {
			return added, err
		}
		// c is a load balancer of clients that do not implement BodyAdder.
	}
	return collectAdd(c, OpAddMultiFile, params, func(out chan<- *api.AddedOutput) error {
		dir := &flatDirectory{tree: open()}
		defer dir.end()
		return c.AddMultiFile(ctx, files.NewMultiFileReader(dir, true, false), params, out)
	})
}

// startWithTotals starts the progress of an add, with the totals if they are wanted.
// The caller must call end.
func startWithTotals(ctx context.Context, params *api.AddParams, totals func(context.Context) (files, bytes int64)) (_ context.Context, end func()) {
	ctx, progress, end := addprogress.Start(ctx)
	isCAR := params != nil && params.Format == formatCAR // sent in another form
	if !isCAR && progress.NeedsTotals() {
		progress.SetTotals(totals(ctx))
	}
	return ctx, end
}

// sizeOf returns 1, the number of files of an AddReader, and the number of bytes left in
// r, or zeros if r does not report it.
func sizeOf(r io.Reader) (n, size int64) {
	switch v := r.(type) {
	case *bytes.Buffer:
		return 1, int64(v.Len())
	case *bytes.Reader:
		return 1, int64(v.Len())
	case *strings.Reader:
		return 1, int64(v.Len())
	case fs.File:
		info, err := v.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, 0
		}
		var at int64
		if s, ok := r.(io.Seeker); ok {
			if at, err = s.Seek(0, io.SeekCurrent); err != nil {
				return 0, 0
			}
		}
		return 1, max(0, info.Size()-at)
	}
	return 0, 0
}

// errNoRoot is the error of an add without an error and without a root.
var errNoRoot = errors.New("the client has reported no root of what it added")

// collectAdd makes an add with send and returns its outputs.
func collectAdd(c Client, op Op, params *api.AddParams, send func(out chan<- *api.AddedOutput) error) (*Added, error) {
	if nilness.Is(c) {
		return nil, invalid(op, "no client to add with")
	}
	outputs, err := receiveAll(send)
	if err != nil {
		return nil, err
	}
	added := &Added{Outputs: outputs}
	switch {
	case params != nil && params.Shard:
	case len(outputs) == 0:
		return nil, &Error{Op: op, MayHaveExecuted: true, Err: fmt.Errorf("%w: %w", ErrIncomplete, errNoRoot)}
	default:
		added.Root = outputs[len(outputs)-1].Cid.Cid
	}
	return added, nil
}

// receiveAll calls send, and returns the outputs with a CID that it sends to out. A
// client that does not close out is tolerated.
func receiveAll(send func(out chan<- *api.AddedOutput) error) (outputs []*api.AddedOutput, err error) {
	out := make(chan *api.AddedOutput) // without a buffer, so that all was received when send returns
	returned := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case o, ok := <-out:
				if !ok {
					return
				}
				if o != nil && o.Cid.Defined() {
					outputs = append(outputs, o)
				}
			case <-returned:
				return
			}
		}
	})
	func() {
		defer wg.Wait()
		defer close(returned)
		err = send(out)
	}()
	return outputs, err
}

// bytesTree is the sourceTree of one file.
type bytesTree struct {
	name string
	data []byte
	done bool
}

func (t *bytesTree) next() (node, error) {
	if t.done {
		return node{}, io.EOF
	}
	t.done = true
	return node{name: t.name}, nil
}

func (t *bytesTree) openFile(node) (io.ReadCloser, metadata, error) {
	return io.NopCloser(bytes.NewReader(t.data)), metadata{mode: 0o644}, nil
}

func (t *bytesTree) readLink(node) (string, metadata, error) {
	return "", metadata{}, errors.ErrUnsupported
}

func (t *bytesTree) size(node) (int64, error) { return int64(len(t.data)), nil }
func (t *bytesTree) close() error             { t.done = true; return nil }
