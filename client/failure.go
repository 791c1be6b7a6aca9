package client

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
	"github.com/pinfleet/pinfleet/transport"
)

// fail returns an Error for the exchange.
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

// cause returns the reason for a failure on this side: the end of the caller's
// context, Close, an unreadable source, or the end of the exchange's context. It
// returns nil if the server or the network has failed.
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

// errSwitched is the error of a response with status 101. The client never asks
// for another protocol.
var errSwitched = errors.New("the server switched to another protocol without having been asked to")

// errNoResponse is the error of a RoundTripper of the Config that returned neither a
// response nor an error.
var errNoResponse = errors.New("the RoundTripper returned neither a response nor an error")

// transportError returns the error of a request without a response.
func (r *response) transportError(err error) error {
	var dial *transport.DialError
	unsent := errors.As(err, &dial) && !r.sent.Load()
	cause := cmp.Or(r.cause(), err)
	return r.fail(0, "", cause, !unsent && !errors.Is(cause, ErrInvalid))
}

// authError returns the error of a request that was not sent, because getting its
// credentials failed with err.
func (r *response) authError(err error) error {
	if cause := r.cause(); cause != nil {
		return r.fail(0, "", cause, false)
	}
	var own *Error // the error of POST /token
	if !errors.As(err, &own) {
		return r.fail(0, "", fmt.Errorf("%w: no bearer token: %w", ErrCredentials, err), false)
	}
	if own.Status == http.StatusNotFound || own.Status == http.StatusMethodNotAllowed {
		// The status is about the route of POST /token. Passed on, it would say that
		// the item of this call was not found.
		return r.fail(0, "", fmt.Errorf("%w: no bearer token: the server does not hand out any (POST /token is unknown): "+
			"unset FetchToken to use Username and Password", ErrCredentials), false)
	}
	e := r.fail(own.Status, own.Message, fmt.Errorf("no bearer token: %w", own.Err), false)
	e.RetryAfter = own.RetryAfter
	return e
}

// brokenError returns the error of a response that has a good status, but whose
// body is cut or not usable.
func (r *response) brokenError(err error) error {
	cause := r.cause()
	if cause == nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		cause = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	// The server never gets the end of an upload that is invalid.
	return r.fail(r.StatusCode, "", cause, !errors.Is(cause, ErrInvalid))
}

// streamError returns the error that a server reports in the trailer.
func (r *response) streamError(messages []string) error {
	text := clean(strings.Join(messages, "; "))
	return r.fail(r.StatusCode, text, r.unreadUpload(api.Error{Code: http.StatusInternalServerError, Message: text}), true)
}

// unreadable holds parts of the errors of a server that cannot parse an upload.
var unreadable = []string{"multipart: ", "mime: ", "malformed MIME header", "invalid URL escape", "bufio: ", "already has entry by that name", io.ErrUnexpectedEOF.Error()}

// unreadUpload returns wire, the error of a server. If the server could not parse the
// upload, the error wraps ErrIncomplete: the client has parsed the same upload, so
// a part of it was lost on the way.
func (r *response) unreadUpload(wire api.Error) error {
	if r.req.body == nil || !slices.ContainsFunc(unreadable, func(part string) bool { return strings.Contains(wire.Message, part) }) {
		return wire
	}
	return fmt.Errorf("%w: the server has not received the upload as it was sent: %w", ErrIncomplete, wire)
}

// invalid returns an error that wraps ErrInvalid.
func invalid(op Op, format string, args ...any) *Error {
	return &Error{Op: op, Err: fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))}
}
