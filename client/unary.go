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

// errNoResult is the error of a successful response without a body: a 202 of
// servers before v0.11, or a 204.
var errNoResult = errors.New("the server returned no result")

// errEmptyPin is the error of a successful response with a pin that has no CID.
var errEmptyPin = errors.New("the server returned a pin without a CID")

// call performs a request whose response is one document.
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
		if a.isEmptyPin() {
			err = errEmptyPin
		}
		return nil, r.brokenError(err)
	}
	return v, nil
}

// checkResult returns an error if v lacks its identifying field. JSON that does not
// come from a cluster peer, such as a proxy's {"status":"ok"}, would decode as a
// pin without a CID.
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
	case *api.ConnectGraph: // the contacted peer always knows its own ID
		empty = v.ClusterID == ""
	case *api.BandwidthByProtocol: // null and {} mean no traffic
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

// run performs a request without a result. It ignores the body, because proxies
// may add one.
func (c *defaultClient) run(ctx context.Context, req *request) error {
	r, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	r.close()
	return nil
}

// write performs a request that changes something and has no result. Servers answer
// it with an empty body. A page with a good status, such as that of a login, does not
// show that the request was executed.
func (c *defaultClient) write(ctx context.Context, req *request) error {
	r, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	defer r.close()
	switch n, err := io.ReadFull(r.Body, make([]byte, 1)); {
	case n > 0:
		return r.brokenError(errors.New("this is not what a cluster peer answers: its answer to this request has no body"))
	case err != io.EOF:
		return r.brokenError(err)
	}
	return nil
}

// maxDocument is the maximum size of a document that does not grow with the
// cluster, in bytes.
const maxDocument = 1 << 20

// maxKept is the maximum size of a buffer that returns to the pool, in bytes.
const maxKept = 64 << 10

// answer is a pooled buffer and decoder for one response document.
type answer struct {
	body bytes.Buffer
	fast wirejson.Decoder
}

// answer returns an empty answer; pass it to keep after decoding.
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

// read reads the body of r. It fails if the body exceeds the request's maxAnswer.
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

// isEmptyPin reports whether the document is a pin of a server whose CID is null or
// empty. Servers always write the replication factors.
func (a *answer) isEmptyPin() bool {
	var pin struct {
		Cid json.RawMessage `json:"cid"`
		Min json.RawMessage `json:"replication_factor_min"`
		Max json.RawMessage `json:"replication_factor_max"`
	}
	if json.Unmarshal(a.body.Bytes(), &pin) != nil || pin.Min == nil || pin.Max == nil {
		return false
	}
	return string(pin.Cid) == "null" || string(pin.Cid) == `""`
}
