package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/internal/wirejson"
)

// errNoResult is the success of a server that returns nothing: 202 of servers
// before v0.11, or 204.
var errNoResult = errors.New("the server returned no result")

// call performs a request whose answer is one document.
func call[T any](ctx context.Context, c *defaultClient, req *request) (*T, error) {
	r, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer r.close()
	a := c.answer()
	defer c.keep(a)
	if err := a.read(r); err != nil {
		return nil, r.brokenError(err)
	}
	if a.body.Len() == 0 {
		err := io.ErrUnexpectedEOF
		if r.StatusCode == http.StatusAccepted || r.StatusCode == http.StatusNoContent {
			err = errNoResult
		}
		return nil, r.brokenError(err)
	}
	v := new(T)
	if err := a.decode(v); err != nil {
		return nil, r.brokenError(fmt.Errorf("this is not what a cluster peer answers: %w", err))
	}
	if err := checkResult(v); err != nil {
		return nil, r.brokenError(err)
	}
	return v, nil
}

// checkResult refuses JSON of somebody else, such as a proxy's {"status":"ok"},
// which would decode as a pin of nothing.
func checkResult(v any) error {
	var empty bool
	switch v := v.(type) {
	case interface{ Defined() bool }: // pins, their status, metrics and alerts
		empty = !v.Defined()
	case *api.ID:
		empty = v.ID == ""
	case *api.Version:
		empty = v.Version == ""
	case *api.Token:
		empty = v.Token == ""
	case *api.ConnectGraph: // its own ID is what the contacted peer always knows
		empty = v.ClusterID == ""
	case *api.BandwidthByProtocol: // null and {} are no traffic
		empty = len(*v) > 0
		for protocol := range *v {
			empty = empty && !strings.HasPrefix(protocol, "/")
		}
	}
	if empty {
		return errors.New("this is not what a cluster peer answers: what it is about is missing")
	}
	return nil
}

// run performs a request without a result. Whatever a proxy puts into the
// body is ignored.
func (c *defaultClient) run(ctx context.Context, req *request) error {
	r, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	r.close()
	return nil
}

// maxDocument bounds a document that does not grow with the cluster, in bytes.
const maxDocument = 1 << 20

// maxKept bounds the room for an answer that is kept for other answers, in
// bytes.
const maxKept = 64 << 10

// answer is room for the document that answers a call, and what decodes it. A
// client keeps some for its calls.
type answer struct {
	body bytes.Buffer
	fast wirejson.Decoder
}

// answer returns an empty one. It is to be kept when its document is decoded.
func (c *defaultClient) answer() *answer {
	if a, ok := c.answers.Get().(*answer); ok {
		return a
	}
	return &answer{}
}

func (c *defaultClient) keep(a *answer) {
	if a.body.Cap() > maxKept {
		return
	}
	a.body.Reset()
	c.answers.Put(a)
}

// read reads the body of r, which may be as long as the request allows.
func (a *answer) read(r *response) error {
	limit := cmp.Or(r.req.maxAnswer, maxDocument)
	n, err := a.body.ReadFrom(io.LimitReader(r.Body, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("a document of more than %d MiB", limit>>20)
	}
	return err
}

// decode decodes the document into v.
func (a *answer) decode(v any) error {
	if err := documents.Check(a.body.Bytes()); err != nil {
		return err
	}
	if a.fast.Decode(a.body.Bytes(), v) {
		return nil
	}
	return json.Unmarshal(a.body.Bytes(), v)
}
