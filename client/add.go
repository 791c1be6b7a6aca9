package client

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
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
	totals := func(ctx context.Context) (files, bytes int64) { return totalsOf(ctx, roots, params) }
	return c.add(ctx, &request{op: OpAdd, body: body, totals: totals}, params, out)
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
		if err == nil && src == nil {
			err = fmt.Errorf("%w: Open of the body returned no reader", ErrInvalid)
		}
		return src, err
	}}
	return c.add(ctx, &request{op: OpAddMultiFile, body: checked, oneShot: oneShot}, params, out)
}

// addParams checks params and returns a copy.
func addParams(op Op, params *api.AddParams) (*api.AddParams, error) {
	if params == nil {
		params = api.DefaultAddParams()
	}
	if err := params.Validate(); err != nil {
		return nil, invalid(op, "%w", err)
	}
	p := *params
	return &p, nil
}

// add performs the upload and sends the server's reports to out.
func (c *defaultClient) add(ctx context.Context, req *request, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if params.Format == formatCAR {
		req.body = carBody(req.body)
	}
	req.method, req.path, req.deadline, req.add = http.MethodPost, "/add", c.deadline(), params
	ctx, progress, end := addprogress.Start(ctx)
	defer end()
	if req.totals != nil && progress.NeedsTotals() {
		progress.SetTotals(req.totals(ctx))
	}
	a := &adding{client: c, req: req, params: params, out: out, seed: maphash.MakeSeed()}
	return a.run(ctx)
}
