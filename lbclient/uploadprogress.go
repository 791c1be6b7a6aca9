package lbclient

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// count takes note of so many more bytes of the upload, unless the attempt is
// over: a read may return after it.
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

// allSent returns how many bytes were counted; there will be no more.
func (a *attempt) allSent() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	return a.sent
}

// counted returns body, counted while it is read.
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

// count takes note of what an output says of the upload. An endpoint reads the
// paths of an Add by itself, so that its reports have to do: the progress of a
// file, and its size where there was none. A directory reports the size of all
// that is in it, too much by as much; it does so at the end of the add.
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
