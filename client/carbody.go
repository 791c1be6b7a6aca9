package client

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/client/internal/parts"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// carBody returns a body with the CAR in body, in version 1, which is the only one
// that servers accept. Its first Read fails if body has no CAR with a block: real
// peers panic at a CAR without blocks (Q3 in docs/upstream-faults.md).
func carBody(body *Body) *Body {
	return &Body{Boundary: body.Boundary, Open: func(ctx context.Context) (io.ReadCloser, error) {
		src, err := body.Open(ctx)
		if err != nil {
			return nil, err
		}
		c := &carReader{src: src}
		c.car = parts.Replace(body.Boundary, readerFrom(c.readSource), unixfs.OpenCAR)
		return c, nil
	}}
}

// carReader is an open body that carBody has returned.
type carReader struct {
	src    io.ReadCloser
	car    io.Reader
	failed error // the error of src
}

// readerFrom is a Read method.
type readerFrom func([]byte) (int, error)

func (f readerFrom) Read(p []byte) (int, error) { return f(p) }

func (c *carReader) readSource(p []byte) (int, error) {
	n, err := c.src.Read(p)
	if err != nil && err != io.EOF {
		c.failed = err
	}
	return n, err
}

// Read implements io.Reader.
func (c *carReader) Read(p []byte) (int, error) {
	n, err := c.car.Read(p)
	switch {
	case err == nil, err == io.EOF:
	case c.failed != nil:
		err = c.failed
	default:
		err = unfit(err)
	}
	return n, err
}

// Close implements io.Closer.
func (c *carReader) Close() error { return c.src.Close() }
