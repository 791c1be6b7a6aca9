package lbclient

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/lbclient/internal/spool"
)

// Add implements [client.Client]. If an attempt fails, Add walks the paths and opens
// the files again for the next peer.
func (c *Client) Add(ctx context.Context, paths []string, params *api.AddParams, out chan<- *api.AddedOutput) error {
	cl := newCall(client.OpAdd, "")
	return c.add(ctx, cl, out, func(ctx context.Context, p client.Client, out chan<- *api.AddedOutput) error {
		return p.Add(ctx, paths, params, out)
	})
}

// AddBody implements [client.BodyAdder]. An attempt at an endpoint whose client does
// not implement BodyAdder fails with [client.ErrBodyNotReplayable].
func (c *Client) AddBody(ctx context.Context, body *client.Body, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if body == nil || body.Open == nil {
		return nothingToAdd(out, "there is no body to add")
	}
	cl := newCall(client.OpAddMultiFile, "")
	return c.add(ctx, cl, out, func(ctx context.Context, p client.Client, out chan<- *api.AddedOutput) error {
		adder, ok := p.(client.BodyAdder)
		if !ok {
			return errNotBodyAdder
		}
		return adder.AddBody(ctx, cl.current.counted(body), params, out)
	})
}

// AddMultiFile implements [client.Client]. It keeps what it reads from multiFileR,
// within the limits of [WithReplayLimit], so that a retry can send it again. Retries
// require endpoints that implement [client.BodyAdder], as the default client does.
// When AddMultiFile returns, a Read of multiFileR may still be in progress, but no
// further one starts.
func (c *Client) AddMultiFile(ctx context.Context, multiFileR *files.MultiFileReader, params *api.AddParams, out chan<- *api.AddedOutput) error {
	if multiFileR == nil {
		return nothingToAdd(out, "no reader to add from")
	}
	limits := c.replay
	if c.retries == 0 || targetOf(ctx) != "" {
		limits.Total = 0 // there are no retries
	}
	cl := newCall(client.OpAddMultiFile, "")
	up := &oneShot{call: cl, reader: multiFileR, params: params, spool: spool.New(multiFileR, limits, client.ErrBodyNotReplayable)}
	defer up.spool.Close()
	cl.blocked = up.blocked
	return c.add(ctx, cl, out, up.send)
}

// nothingToAdd closes out and returns the error of an add without a body.
func nothingToAdd(out chan<- *api.AddedOutput, text string) error {
	if out != nil {
		close(out)
	}
	return &client.Error{Op: client.OpAddMultiFile, Err: fmt.Errorf("%w: %s", client.ErrInvalid, text)}
}

// add makes the call of any method that adds. It closes out.
func (c *Client) add(ctx context.Context, cl *call, out chan<- *api.AddedOutput, send addFunc) error {
	ctx, _, end := addprogress.Start(ctx) // shared by all attempts
	defer end()
	if out == nil {
		return c.run(ctx, cl, func(ctx context.Context, p client.Client) error { return send(ctx, p, nil) })
	}
	defer close(out)
	d := &delivery{out: out}
	if cl.asked.Op == client.OpAdd {
		d.sent = func(n int) { cl.current.count(n) }
	}
	return c.run(ctx, cl, func(ctx context.Context, p client.Client) error {
		return d.attempt(ctx, len(cl.attempts) > 0, func(ctx context.Context, out chan<- *api.AddedOutput) error {
			return send(ctx, p, out)
		})
	})
}

// addFunc makes one attempt of an add.
type addFunc func(ctx context.Context, p client.Client, out chan<- *api.AddedOutput) error

var errNotBodyAdder = fmt.Errorf("%w: the endpoint's client does not implement client.BodyAdder", client.ErrBodyNotReplayable)

// oneShot is the upload of AddMultiFile, from a reader that can be read only once.
type oneShot struct {
	call   *call
	reader *files.MultiFileReader
	spool  *spool.Spool
	params *api.AddParams
	given  bool // reader was passed to an endpoint's AddMultiFile
}

// send makes one attempt. It sends the bytes that the spool has kept, followed by the
// rest of the reader. An endpoint that is not a BodyAdder gets the reader itself, if
// nothing was read from it yet.
func (u *oneShot) send(ctx context.Context, p client.Client, out chan<- *api.AddedOutput) error {
	adder, ok := p.(client.BodyAdder)
	switch {
	case !ok && u.spool.IsTouched():
		return errNotBodyAdder
	case !ok:
		u.given = true
		return p.AddMultiFile(ctx, u.reader, u.params, out)
	}
	body := &client.Body{Boundary: u.reader.Boundary(), Open: u.spool.Open}
	err := adder.AddBody(ctx, u.call.current.counted(body), u.params, out)
	if err == nil || errors.Is(err, client.ErrSource) {
		return err
	}
	if src := u.spool.SourceError(); src != nil {
		return fmt.Errorf("%w: %w: %w", client.ErrSource, src, err)
	}
	return err
}

// blocked returns the reason why the upload cannot be sent again, or nil.
func (u *oneShot) blocked() error {
	if u.given {
		return errNotBodyAdder
	}
	return u.spool.LostError()
}
