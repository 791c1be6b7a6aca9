package lbclient

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// bodyFake is a fake that reads its uploads, as the default client does.
type bodyFake struct {
	*fake
	// reads returns the number of bytes that call n reads before it ends, or -1
	// for all. nil also means all.
	reads func(n int) int64

	mu     sync.Mutex
	bodies [][]byte
}

var _ client.BodyAdder = (*bodyFake)(nil)

func (f *bodyFake) body(n int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bodies[n]
}

func (f *bodyFake) AddBody(ctx context.Context, body *client.Body, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	if err := f.read(ctx, body); err != nil {
		if out != nil {
			close(out)
		}
		return &client.Error{Op: client.OpAddMultiFile, Endpoint: f.name, Err: err}
	}
	return f.add(ctx, client.OpAddMultiFile, out)
}

func (f *bodyFake) read(ctx context.Context, body *client.Body) error {
	r, err := body.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	src := io.Reader(r)
	f.mu.Lock()
	n := len(f.bodies)
	f.mu.Unlock()
	if f.reads != nil && f.reads(n) >= 0 {
		src = io.LimitReader(r, f.reads(n))
	}
	b, err := io.ReadAll(src)
	f.mu.Lock()
	f.bodies = append(f.bodies, b)
	f.mu.Unlock()
	return err
}

func (f *bodyFake) AddMultiFile(context.Context, *files.MultiFileReader, *api.AddParams, chan<- *api.AddedOutput) error {
	return errors.New("AddMultiFile instead of AddBody")
}
