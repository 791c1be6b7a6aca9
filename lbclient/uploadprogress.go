package lbclient

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// count counts n more bytes of the upload. A Read of the upload may return after the
// attempt has ended; its bytes are not counted.
func (a *attempt) count(n int) {
	observer := a.ep.pool.observer
	if observer == nil || n <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		a.sent += int64(n)
		observer.Sent(a.asked, a.ep, n)
	}
}

// allSent ends the counting and returns the number of bytes.
func (a *attempt) allSent() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	return a.sent
}

// counted returns a copy of body whose bytes are counted when they are read.
func (a *attempt) counted(body *client.Body) *client.Body {
	if a.ep.pool.observer == nil {
		return body
	}
	return &client.Body{Boundary: body.Boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := body.Open(ctx)
		if err != nil {
			return nil, err
		}
		return &countedReader{r, a}, nil
	}}
}

type countedReader struct {
	io.ReadCloser
	attempt *attempt
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.attempt.count(n)
	return n, err
}

// count estimates the progress of an Add's upload from the output o. Add reads its paths
// inside the endpoint, so its bytes cannot be counted: the estimate is the reported
// progress of a file, or its size if there was none. The size of a directory includes
// its files, which are thus counted twice. Directories are reported at the end of the
// add, so the error is harmless.
func (r *report) count(o *api.AddedOutput) {
	if r.sent == nil || o == nil {
		return
	}
	now := o.Bytes
	if o.Cid.Defined() {
		now = o.Size
	}
	if now > r.bytes {
		r.sent(int(min(now-r.bytes, 1<<30)))
	}
	r.bytes = now
	if o.Cid.Defined() {
		r.bytes = 0
	}
}
