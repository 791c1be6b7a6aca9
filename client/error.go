package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/transport"
)

// Sentinel errors, to test the error of a failed call with errors.Is. The error
// itself is or wraps an [*Error].
var (
	// ErrNotFound: the cluster's API answered 404. The pin is not in the pinset,
	// or the server does not have the route. A 404 from another server, such as a
	// proxy that does not know the host, is not ErrNotFound.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized: the server answered 401 or 403.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrClosed: the client is closed.
	ErrClosed = errors.New("client is closed")
	// ErrBodyNotReplayable: an add had to be sent again, after a redirect, with a
	// renewed token or to another peer, but its body could be read only once.
	ErrBodyNotReplayable = errors.New("body cannot be sent again")
	// ErrInvalid: the client rejects the arguments. No server has executed the
	// call.
	ErrInvalid = errors.New("invalid argument")
	// ErrIncomplete: the response is not complete, or is not an answer of a
	// cluster peer, or its completeness cannot be verified. Or the server has not
	// received the whole upload.
	ErrIncomplete = errors.New("response is incomplete")
	// ErrContentMismatch: what the server says it stored is not what was sent. The
	// error wraps a [*MismatchError].
	ErrContentMismatch = errors.New("content mismatch")
	// ErrSource: the data to add could not be read.
	ErrSource = errors.New("source cannot be read")
	// ErrCredentials: the client could not get a bearer token, and so did not
	// send the request. The peer has not failed.
	ErrCredentials = errors.New("no credentials")
	// ErrLocal: this machine could not connect to any peer: it has no file
	// descriptors, ports or memory left, no route to other machines, or a rule that
	// forbids the connection. The request was not sent, and the peer has not failed.
	ErrLocal = errors.New("this machine cannot connect")
)

// Error reports the failure of a call to one endpoint.
//
// errors.Is and errors.As find the sentinel errors of this package and the causes
// of the failure: context.Canceled, context.DeadlineExceeded, the errors of net,
// tls and x509, and the [api.Error] that the server sent.
type Error struct {
	// Op is the operation that failed.
	Op Op
	// Endpoint names the peer: its multiaddress or URL, without credentials. It
	// is empty if no endpoint was chosen.
	Endpoint string
	// Status is the HTTP status of the response, or 0 if there was no response.
	// It is 200 for an error that arrived in the X-Stream-Error trailer.
	Status int
	// Message is the server's error text, at most 2 KiB of it in one printable
	// line. It is empty if the server sent none.
	Message string
	// Err is the cause. It is not nil in errors of this package.
	Err error
	// MayHaveExecuted reports whether the server may have executed the request.
	// It is false if the request was provably not sent, or if the response proves
	// that the server rejected it.
	MayHaveExecuted bool
	// RetryAfter is how long the server asked the client to wait (Retry-After),
	// or 0 if it did not ask. It is at most 24 hours.
	RetryAfter time.Duration
}

// Error returns one line with the operation, the endpoint, and either the server's
// message and status or the cause. A hint follows for common misconfigurations.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Op))
	if e.Endpoint != "" {
		b.WriteString(" at ")
		b.WriteString(e.Endpoint)
	}
	b.WriteString(": ")
	switch {
	case e.Status >= 400 && e.Message != "":
		fmt.Fprintf(&b, "%s (%d)", e.Message, e.Status)
	case e.Status >= 400:
		fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	case e.Err == nil:
		b.WriteString("failed")
	default:
		b.WriteString(e.Err.Error())
	}
	if hint := e.hint(); hint != "" {
		b.WriteString("; ")
		b.WriteString(hint)
	}
	return b.String()
}

// hint returns the remedy for a common misconfiguration, or "".
func (e *Error) hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check Username and Password, or the token"
	case e.Status == http.StatusProxyAuthRequired:
		return "check the user name and password in Proxy"
	case e.Status == http.StatusNotFound && errors.Is(e.Err, errForeign):
		return errForeign.Error()
	case e.Status == http.StatusBadRequest && strings.Contains(e.Message, "HTTP request to an HTTPS server"):
		return "set SSL, or use an address that ends in /tls/http"
	case e.Status == 0 && e.Err != nil && strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client"):
		return "the peer does not speak TLS: drop /tls or SSL"
	}
	return ""
}

// errForeign is wrapped by the errors of 404 and 500 responses that do not come from
// the API.
var errForeign = errors.New("that is not the cluster's API: check the address, and the proxies on the way")

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a sentinel error that follows from e's status or
// cause: ErrNotFound, ErrUnauthorized or ErrLocal.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound && !errors.Is(e.Err, errForeign)
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	case ErrLocal:
		var dial *transport.DialError
		return !e.MayHaveExecuted && errors.As(e.Err, &dial) && dial.Local
	}
	return false
}
