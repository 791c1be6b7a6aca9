package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
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
	roots, err := newRoots(paths, params, &c.cfg.Web)
	if err != nil {
		return err
	}
	// Without a common directory, the server would merge directories, and pin
	// only the last of several files (U24).
	if len(roots) > 1 {
		params.Wrap = true
	}
	boundary := newBoundary()
	body := &Body{Boundary: boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return newMultipartBody(ctx, boundary, roots, params, c.web), nil
	}}
	return c.add(ctx, &request{op: OpAdd, body: body}, params, out)
}

// AddMultiFile implements Client.
func (c *defaultClient) AddMultiFile(ctx context.Context, multiFileR *files.MultiFileReader, params *api.AddParams, out chan<- *api.AddedOutput) error {
	var body *Body
	if multiFileR != nil {
		body = &Body{Boundary: multiFileR.Boundary(), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(multiFileR), nil
		}}
	}
	return c.addBody(ctx, body, true, params, out)
}

// AddBody implements BodyAdder.
func (c *defaultClient) AddBody(ctx context.Context, body *Body, params *api.AddParams, out chan<- *api.AddedOutput) error {
	return c.addBody(ctx, body, false, params, out)
}

func (c *defaultClient) addBody(ctx context.Context, body *Body, oneShot bool, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if out != nil {
		defer close(out)
	}
	params, err := addParams(OpAddMultiFile, params)
	if err != nil {
		return err
	}
	if body == nil || body.Open == nil {
		return invalid(OpAddMultiFile, "there is no body to add")
	}
	checked := &Body{Boundary: body.Boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		src, err := body.Open(ctx)
		if err != nil {
			return nil, err
		}
		if src == nil {
			return nil, fmt.Errorf("%w: Open of the body returned no reader", ErrInvalid)
		}
		return newNonEmpty(src, body.Boundary), nil
	}}
	return c.add(ctx, &request{op: OpAddMultiFile, body: checked, oneShot: oneShot}, params, out)
}

// addParams checks params and returns a copy with StreamChannels set.
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

// add performs the upload and sends the server's reports to out.
func (c *defaultClient) add(ctx context.Context, req *request, params *api.AddParams, out chan<- *api.AddedOutput) error {
	query, err := params.ToQueryString()
	if err != nil {
		return invalid(req.op, "%w", err)
	}
	req.method, req.path, req.query = http.MethodPost, "/add", query
	r, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	defer r.close()
	s := documents.NewDecoder(r.Body)
	for rooted := false; ; {
		o := new(api.AddedOutput)
		switch err := r.next(s, o); {
		case err == io.EOF:
			return r.added(s, rooted)
		case err != nil:
			return r.brokenError(err)
		}
		rooted = o.Cid.Defined()
		if out == nil {
			continue
		}
		select {
		case out <- o:
		case <-r.ctx.Done():
			return r.brokenError(ctxerr.Of(r.ctx))
		}
	}
}

// added returns an error if the add is incomplete. It is called at the end of the
// server's reports. rooted says that the last output names a CID. After a complete
// add, this is the CID of the root or, if sharded, of the list of shards.
func (r *response) added(s *documents.Decoder, rooted bool) error {
	if src := r.upload.sourceError(); src != nil {
		return r.brokenError(src)
	}
	if err := r.verify(s); err != nil {
		return err
	}
	if !rooted {
		return r.brokenError(errors.New("the server did not report the root of what it added"))
	}
	return nil
}

// nonEmpty makes reading a body without parts fail, because servers close the
// connection when they receive one (quirk Q3).
type nonEmpty struct {
	io.ReadCloser
	end  string // the closing delimiter
	head []byte // bytes read ahead, not yet returned
	seen bool   // the beginning was checked
}

func newNonEmpty(src io.ReadCloser, boundary string) *nonEmpty {
	return &nonEmpty{ReadCloser: src, end: "--" + boundary + "--"}
}

var errNoParts = fmt.Errorf("%w: nothing to add: the body has no parts", ErrInvalid)

func (n *nonEmpty) Read(p []byte) (int, error) {
	if !n.seen {
		n.seen = true
		head := make([]byte, len("\r\n")+len(n.end))
		k, err := io.ReadFull(n.ReadCloser, head)
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return 0, err
		}
		n.head = head[:k]
		// An empty body may begin with a line end, depending on its writer.
		if text := bytes.TrimPrefix(n.head, []byte("\r\n")); len(text) == 0 || bytes.HasPrefix(text, []byte(n.end)) {
			return 0, errNoParts
		}
	}
	if len(n.head) > 0 {
		k := copy(p, n.head)
		n.head = n.head[k:]
		return k, nil
	}
	return n.ReadCloser.Read(p)
}
