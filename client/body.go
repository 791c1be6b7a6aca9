package client

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/api"
)

// Body is a multipart upload that can be opened again for another attempt.
type Body struct {
	// Boundary separates the parts.
	Boundary string
	// Open returns the body from its beginning. It is called once for each
	// attempt, one at a time; what it returned before is closed by then, or
	// will be as soon as a Read returns that is still under way. Reading it
	// fails when ctx, that of the attempt, ends.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// BodyAdder is what a [Client] implements so that an upload survives the
// failure of one peer: AddMultiFile with a body that can be sent again. It
// keeps the rules of [Client.Add] for out.
type BodyAdder interface {
	AddBody(ctx context.Context, body *Body, params *api.AddParams, out chan<- *api.AddedOutput) error
}
