package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
)

// Add implements Client.
func (c *defaultClient) Add(ctx context.Context, paths []string, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if out != nil {
		defer close(out)
	}
	params, err := addParams(OpAdd, params)
	if err != nil {
		return err
	}
	roots, err := newRoots(paths, params)
	if err != nil {
		return err
	}
	// The server would merge several directories, and pin only the last of
	// several files (U24).
	if len(roots) > 1 {
		params.Wrap = true
	}
	boundary := newBoundary()
	body := &Body{Boundary: boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return newMultipartBody(ctx, boundary, roots, params, c.web), nil
	}}
	return c.add(ctx, OpAdd, body, params, out)
}

// AddMultiFile implements Client.
func (c *defaultClient) AddMultiFile(ctx context.Context, multiFileR *files.MultiFileReader, params *api.AddParams, out chan<- *api.AddedOutput) error {
	opened := false
	return c.AddBody(ctx, &Body{Boundary: multiFileR.Boundary(), Open: func(context.Context) (io.ReadCloser, error) {
		if opened {
			return nil, ErrBodyNotReplayable
		}
		opened = true
		return io.NopCloser(multiFileR), nil
	}}, params, out)
}

// AddBody implements BodyAdder.
func (c *defaultClient) AddBody(ctx context.Context, body *Body, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if out != nil {
		defer close(out)
	}
	params, err := addParams(OpAddMultiFile, params)
	if err != nil {
		return err
	}
	checked := &Body{Boundary: body.Boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		src, err := body.Open(ctx)
		if err != nil {
			return nil, err
		}
		return newNonEmpty(src, body.Boundary), nil
	}}
	return c.add(ctx, OpAddMultiFile, checked, params, out)
}

// addParams checks params and returns a copy of them, streamed.
func addParams(op Op, params *api.AddParams) (*api.AddParams, error) {
	if params == nil {
		params = api.DefaultAddParams()
	}
	if err := params.Validate(); err != nil {
		return nil, invalid(op, "%w", err)
	}
	p := *params
	p.StreamChannels = true
	return &p, nil
}

// add performs the upload and delivers what the server reports.
func (c *defaultClient) add(ctx context.Context, op Op, body *Body, params *api.AddParams, out chan<- *api.AddedOutput) error {
	query, err := params.ToQueryString()
	if err != nil {
		return invalid(op, "%w", err)
	}
	r, err := c.send(ctx, &request{op: op, method: http.MethodPost, path: "/add", query: query, body: body})
	if err != nil {
		return err
	}
	defer r.close()
	s := newStream(r)
	for added := false; ; added = true {
		o := new(api.AddedOutput)
		switch err := s.next(o); {
		case err == io.EOF:
			if src := r.upload.sourceError(); src != nil {
				return r.brokenError(src)
			}
			if err := r.verify(false); err != nil {
				return err
			}
			if !added {
				return r.fail(r.StatusCode, "", fmt.Errorf("%w: the server did not report what it added", ErrIncomplete), true)
			}
			return nil
		case err != nil:
			return r.brokenError(err)
		}
		if out == nil {
			continue
		}
		select {
		case out <- o:
		case <-r.ctx.Done():
			return r.fail(r.StatusCode, "", r.cause(context.Cause(r.ctx)), true)
		}
	}
}

// nonEmpty refuses a body without parts: a server would close the connection
// over it (quirk Q3).
type nonEmpty struct {
	io.ReadCloser
	want string // what an empty body begins with
	head []byte // read ahead, to be delivered
	seen bool
}

func newNonEmpty(src io.ReadCloser, boundary string) *nonEmpty {
	return &nonEmpty{ReadCloser: src, want: "--" + boundary + "--"}
}

var errNoParts = errors.New("nothing to add: the body has no parts")

func (n *nonEmpty) Read(p []byte) (int, error) {
	if !n.seen {
		n.seen = true
		head := make([]byte, len(n.want))
		k, err := io.ReadFull(n.ReadCloser, head)
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return 0, err
		}
		if k == 0 || string(head[:k]) == n.want {
			return 0, errNoParts
		}
		n.head = head[:k]
	}
	if len(n.head) > 0 {
		k := copy(p, n.head)
		n.head = n.head[k:]
		return k, nil
	}
	return n.ReadCloser.Read(p)
}
