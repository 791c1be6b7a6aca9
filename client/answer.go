package client

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pinfleet/pinfleet/internal/wirejson"
)

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
	limit := r.req.maxAnswer
	if limit == 0 {
		limit = maxItem
	}
	n, err := a.body.ReadFrom(io.LimitReader(r.Body, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("a document of more than %d MiB", limit>>20)
	}
	return err
}

// decode decodes the document into v.
func (a *answer) decode(v any) error {
	if a.fast.Decode(a.body.Bytes(), v) {
		return nil
	}
	return json.Unmarshal(a.body.Bytes(), v)
}
