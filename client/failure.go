package client

import (
	"bytes"
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

// cause tells why an exchange that failed with err really did: whose context
// ended, or which source could not be read. It returns err otherwise.
func (r *response) cause(err error) error {
	if r.caller.Err() != nil {
		return contextError(r.caller)
	}
	if src := r.upload.sourceError(); src != nil {
		return fmt.Errorf("%w: %w", ErrSource, src)
	}
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return err
}

// transportError is the failure of a request that got no answer.
func (r *response) transportError(err error) error {
	var dial *transport.DialError
	return r.fail(0, "", r.cause(err), !errors.As(err, &dial))
}

// authError is the failure to get credentials for a request.
func (r *response) authError(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own // of the request for a token
	}
	return r.fail(0, "", fmt.Errorf("no bearer token: %w", r.cause(err)), false)
}

// brokenError is the failure of an answer that began well.
func (r *response) brokenError(err error) error {
	cause := r.cause(err)
	if cause == err {
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

// statusError is the failure of an answer that is not a success. why says
// what is wrong with a redirect.
func (r *response) statusError(why error) error {
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxErrorBody))
	if err != nil && len(body) == 0 && (r.ctx.Err() != nil || r.upload.sourceError() != nil) {
		return r.fail(0, "", r.cause(err), true)
	}
	wire, documents := decodeError(body)
	if wire.Code == 0 {
		wire.Code = r.StatusCode
	}
	e := r.fail(r.StatusCode, wire.Message, wire, true)
	switch r.StatusCode {
	case http.StatusBadRequest:
		// Old and present servers answer bad options and go on (quirk Q1).
		e.MayHaveExecuted = documents > 1
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge:
		e.MayHaveExecuted = false
	}
	if why != nil {
		e.Message, e.Err, e.MayHaveExecuted = why.Error(), why, false
	}
	e.RetryAfter = retryAfter(r.Header.Get("Retry-After"), time.Now())
	return e
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
		if unicode.IsControl(c) {
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
	if cause == nil || errors.Is(cause, err) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// invalid is the refusal of arguments.
func invalid(op Op, format string, args ...any) *Error {
	return &Error{Op: op, Err: fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))}
}
