package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What callers branch on, for errors.Is.
var (
	// ErrNotFound: the cluster's API answered 404: a pin that is not in the
	// pinset, or a route that this server does not have. The 404 of something
	// else, such as a proxy that knows no such host, is not ErrNotFound.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized: the server answered 401 or 403.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("client is closed")
	// ErrBodyNotReplayable: an add failed at one peer and its body could not
	// be sent to another.
	ErrBodyNotReplayable = errors.New("body cannot be sent again")
	// ErrInvalid: the arguments were refused, before anything was sent that a
	// server acts upon.
	ErrInvalid = errors.New("invalid argument")
	// ErrIncomplete: a response ended before it was complete, or it cannot be
	// told whether it was complete.
	ErrIncomplete = errors.New("response is incomplete")
	// ErrSource: the data to add could not be read.
	ErrSource = errors.New("source cannot be read")
	// ErrCredentials: there was no bearer token to send, so that nothing was
	// sent. That is not the peer's fault.
	ErrCredentials = errors.New("no credentials")
)

// Error is how a call to one endpoint failed.
//
// errors.Is finds the sentinels above and the causes below it:
// context.Canceled, context.DeadlineExceeded, what net, tls and x509 report,
// and the [api.Error] that the server sent.
type Error struct {
	// Op is the operation that failed.
	Op Op
	// Endpoint names the peer: its multiaddress or URL, without credentials.
	// Empty if no endpoint was chosen.
	Endpoint string
	// Status is the HTTP status of the answer; 0 means that there was none.
	// An error that arrived in the X-Stream-Error trailer has status 200.
	Status int
	// Message is what the server said, bounded in size.
	Message string
	// Err is the cause. It is never nil.
	Err error
	// MayHaveExecuted tells whether the server may have acted on the request:
	// false if it was provably not sent, or refused with an answer that says
	// so.
	MayHaveExecuted bool
	// RetryAfter is how long the server asked to be left alone; 0 if it did
	// not say.
	RetryAfter time.Duration
}

// Error returns operation, endpoint, status, message and cause in one line.
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
	default:
		b.WriteString(e.Err.Error())
	}
	if hint := e.hint(); hint != "" {
		b.WriteString("; ")
		b.WriteString(hint)
	}
	return b.String()
}

// hint names the remedy of the usual misconfigurations.
func (e *Error) hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check Username and Password, or the token"
	case e.Status == http.StatusNotFound && errors.Is(e.Err, errForeign):
		return errForeign.Error()
	case e.Status == http.StatusBadRequest && strings.Contains(e.Message, "HTTP request to an HTTPS server"):
		return "set SSL, or use an address that ends in /tls/http"
	case e.Status == 0 && strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client"):
		return "the peer does not speak TLS: drop /tls or SSL"
	}
	return ""
}

// errForeign is part of the cause of a 404 that does not come from the API.
var errForeign = errors.New("that is not the cluster's API: check the address, and the proxies on the way")

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrNotFound) and errors.Is(err, ErrUnauthorized)
// follow the status.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound && !errors.Is(e.Err, errForeign)
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	}
	return false
}
