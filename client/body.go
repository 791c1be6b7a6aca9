package client

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/api"
)

// Body is a multipart body that can be opened again for another attempt.
type Body struct {
	// Boundary separates the parts.
	Boundary string
	// Open returns a reader that starts at the beginning of the body. It is
	// called for each attempt, and never concurrently. The previous reader is
	// closed before that or, if a Read of it is still pending, when that Read returns.
	// Reading must fail when ctx, the context of the attempt, ends.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// BodyAdder is an optional interface that a [Client] may implement. A load
// balancer needs it to repeat an AddMultiFile at another peer.
type BodyAdder interface {
	// AddBody is AddMultiFile for a body that can be sent again. It must close
	// out exactly once, as [Client.Add] does.
	AddBody(ctx context.Context, body *Body, params *api.AddParams, out chan<- *api.AddedOutput) error
}
