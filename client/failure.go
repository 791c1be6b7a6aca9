package client

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/transport"
)

// fail returns the error of an exchange.
func (r *response) fail(status int, message string, err error, mayHaveExecuted bool) *Error {
	return &Error{
		Op:              r.req.op,
		Endpoint:        r.client.endpoint.Name,
		Status:          status,
		Message:         message,
		Err:             printable(err),
		MayHaveExecuted: mayHaveExecuted,
	}
}

// cause tells why an exchange really failed, when it was neither the server
// nor the network: whose context ended, or which source could not be read. It
// is nil otherwise.
func (r *response) cause() error {
	if r.caller.Err() != nil {
		return ctxerr.Of(r.caller)
	}
	if closed := r.client.life.err(); closed != nil {
		return closed
	}
	if src := r.upload.sourceError(); src != nil {
		return src
	}
	if r.ctx.Err() != nil {
		return ctxerr.Of(r.ctx)
	}
	return nil
}

// errSwitched is the failure of a request that was answered with 101: nothing
// here asks for another protocol.
var errSwitched = errors.New("the server switched to another protocol without having been asked to")

// transportError is the failure of a request that got no answer.
func (r *response) transportError(err error) error {
	var dial *transport.DialError
	unsent := errors.As(err, &dial) && !r.sent.Load()
	cause := cmp.Or(r.cause(), err)
	return r.fail(0, "", cause, !unsent && !errors.Is(cause, ErrInvalid))
}

// authError is the failure to get credentials for a request, which was not
// sent then.
func (r *response) authError(err error) error {
	if cause := r.cause(); cause != nil {
		return r.fail(0, "", cause, false)
	}
	var own *Error // of the request for a token
	if !errors.As(err, &own) {
		return r.fail(0, "", fmt.Errorf("%w: no bearer token: %w", ErrCredentials, err), false)
	}
	if own.Status == http.StatusNotFound || own.Status == http.StatusMethodNotAllowed {
		// Not found is the token's route, and not what the call is about.
		return r.fail(0, "", fmt.Errorf("%w: no bearer token: the server does not hand out any (POST /token is unknown): "+
			"unset FetchToken to use Username and Password", ErrCredentials), false)
	}
	e := r.fail(own.Status, own.Message, fmt.Errorf("no bearer token: %w", own.Err), false)
	e.RetryAfter = own.RetryAfter
	return e
}

// brokenError is the failure of an answer that began well.
func (r *response) brokenError(err error) error {
	cause := r.cause()
	if cause == nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		cause = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return r.fail(r.StatusCode, "", cause, true)
}

// streamError is the failure that a server reports behind a good status.
func (r *response) streamError(messages []string) error {
	text := clean(strings.Join(messages, "; "))
	return r.fail(r.StatusCode, text, api.Error{Code: http.StatusInternalServerError, Message: text}, true)
}

// invalid is the refusal of arguments.
func invalid(op Op, format string, args ...any) *Error {
	return &Error{Op: op, Err: fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))}
}
