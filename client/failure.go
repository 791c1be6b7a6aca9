package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/transport"
)

const (
	// maxErrorBody bounds what is read of an error's body.
	maxErrorBody = 64 << 10
	// errorBodyTimeout bounds how long is waited for an error's body: the status
	// says the most.
	errorBodyTimeout = 5 * time.Second
	// maxMessage bounds an error's message, in bytes.
	maxMessage = 2 << 10
)

// fail returns the error of an exchange.
func (r *response) fail(status int, message string, err error, mayHaveExecuted bool) *Error {
	return &Error{
		Op:              r.req.op,
		Endpoint:        r.client.endpoint.Name,
		Status:          status,
		Message:         message,
		Err:             err,
		MayHaveExecuted: mayHaveExecuted,
	}
}

// cause tells why an exchange really failed, when it was neither the server
// nor the network: whose context ended, or which source could not be read. It
// is nil otherwise.
func (r *response) cause() error {
	if r.caller.Err() != nil {
		return contextError(r.caller)
	}
	if closed := r.client.life.err(); closed != nil {
		return closed
	}
	if src := r.upload.sourceError(); src != nil {
		return src
	}
	if r.ctx.Err() != nil {
		return contextError(r.ctx)
	}
	return nil
}

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

// statusError is the failure of an answer that is not a success, or that asks
// for what cannot be done; why says what then.
func (r *response) statusError(why error) error {
	defer r.Body.Close()
	patience := time.AfterFunc(errorBodyTimeout, func() { r.cancel(nil) })
	body, err := io.ReadAll(io.LimitReader(r.Body, maxErrorBody))
	inTime := patience.Stop()
	if cause := r.cause(); err != nil && cause != nil && inTime {
		if len(body) == 0 {
			return r.fail(0, "", cause, true)
		}
		why = cmp.Or(why, cause)
	}
	wire, documents := decodeError(body)
	if wire.Code == 0 {
		wire.Code = r.StatusCode
	}
	e := r.fail(r.StatusCode, wire.Message, wire, !notExecuted(r.StatusCode))
	switch {
	case r.StatusCode == http.StatusBadRequest:
		// Present servers answer bad options and go on (quirk Q1).
		e.MayHaveExecuted = documents > 1
	case r.StatusCode < 400:
		e.Message, e.Err = "", cmp.Or(why, fmt.Errorf("unexpected status %d", r.StatusCode))
	case why != nil:
		e.Err = fmt.Errorf("%w; %w", wire, why)
	}
	e.RetryAfter = retryAfter(r.Header.Get("Retry-After"), time.Now())
	return e
}

// notExecuted tells whether a status says that the request was not acted upon.
func notExecuted(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}

// decodeError reads an error's body. Only its first document counts; documents
// is how many there are. What is not the server's JSON becomes the message.
func decodeError(body []byte) (wire api.Error, documents int) {
	dec := json.NewDecoder(bytes.NewReader(body))
	var doc struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Error   string `json:"error"` // of a proxy
	}
	if err := dec.Decode(&doc); err != nil {
		return api.Error{Message: clean(string(body))}, 0
	}
	wire = api.Error{Code: doc.Code, Message: clean(doc.Message)}
	if wire.Message == "" {
		wire.Message = clean(doc.Error)
	}
	if wire.Message == "" {
		wire.Message = clean(string(body))
	}
	documents = 1
	for skip := (json.RawMessage)(nil); dec.Decode(&skip) == nil; {
		documents++
	}
	return wire, documents
}

// clean makes text of the network fit for an error of one line.
func clean(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// contextError is the end of ctx as an error that errors.Is recognises, with
// the cause if there is one.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// invalid is the refusal of arguments.
func invalid(op Op, format string, args ...any) *Error {
	return &Error{Op: op, Err: fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))}
}
