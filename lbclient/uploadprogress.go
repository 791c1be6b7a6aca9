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
	if n <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.sent += int64(n)
	if observer := a.ep.pool.observer; observer != nil {
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

// countsUploads reports whether anything asks how much of an upload was sent.
func (p *pool) countsUploads() bool { return p.observer != nil || len(p.hooks.attempts) > 0 }

// counted returns a copy of body whose bytes are counted when they are read.
func (a *attempt) counted(body *client.Body) *client.Body {
	if !a.ep.pool.countsUploads() {
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

// estimate estimates how much of an upload was sent, from the outputs of the add. Add
// reads its paths inside the endpoint, so its bytes cannot be counted. The estimate is
// the reported progress of a file, or its size if there was none. The size of a
// directory includes its files, which are thus counted twice. Directories are reported
// at the end of the add, so the error is harmless.
type estimate struct {
	file  string // whose progress was reported last
	bytes uint64 // of it
	// ahead is the number of bytes that were counted by the progress of files whose
	// CIDs are not reported yet.
	ahead uint64
}

// more returns the number of bytes that were sent since the last output.
func (e *estimate) more(o *api.AddedOutput) (n uint64) {
	if !o.Cid.Defined() {
		if o.Name != e.file {
			e.file, e.bytes = o.Name, 0
		}
		if o.Bytes > e.bytes {
			n = o.Bytes - e.bytes
		}
		e.bytes = o.Bytes
		e.ahead += n
		return n
	}
	known := min(o.Size, e.ahead)
	e.ahead -= known
	e.file, e.bytes = "", 0
	return o.Size - known
}

// count counts what the output o says of the upload.
func (r *report) count(o *api.AddedOutput) {
	if r.sent == nil || o == nil {
		return
	}
	if n := r.counted.more(o); n > 0 {
		r.sent(int(min(n, 1<<30)))
	}
}
