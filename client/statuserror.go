package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/oneline"
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

// statusError is the failure of an answer that is not a success, or that asks
// for what cannot be done; why says what then.
func (r *response) statusError(why error) error {
	defer r.Body.Close()
	if r.StatusCode < 400 {
		// Its body is for somebody who follows it.
		return r.fail(r.StatusCode, "", cmp.Or(why, fmt.Errorf("unexpected status %d", r.StatusCode)), !notExecuted(r.StatusCode))
	}
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
	// Anybody says 404; what the API has not found is an answer in its own form.
	foreign := r.StatusCode == http.StatusNotFound && wire.Code != http.StatusNotFound
	if wire.Code == 0 {
		wire.Code = r.StatusCode
	}
	e := r.fail(r.StatusCode, wire.Message, wire, foreign || !notExecuted(r.StatusCode))
	switch {
	case foreign:
		e.Err = fmt.Errorf("%w; %w", wire, errForeign)
	case r.StatusCode == http.StatusBadRequest:
		// Present servers answer bad options and go on (quirk Q1).
		e.MayHaveExecuted = documents > 1
	case why != nil:
		e.Err = fmt.Errorf("%w; %w", wire, why)
	}
	e.RetryAfter = parseRetryAfter(r.Header.Get("Retry-After"), time.Now())
	return e
}

// notExecuted tells whether a status says that the request was not acted upon.
// A peer, or a proxy in its place, redirects before it acts; 303 alone is what
// others send when they have.
func notExecuted(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}

// decodeError reads an error's body. Only its first document counts; documents
// is how many there are. What is not the server's JSON becomes the message, and
// has no code.
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
	if wire.Message = clean(doc.Message); wire.Message != "" {
		wire.Code = doc.Code
	} else {
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
func clean(text string) string { return oneline.Text(text, maxMessage) }

// cleanError is an error whose own text is not fit for one line.
type cleanError struct {
	error
}

// Error returns the text, cleaned.
func (e cleanError) Error() string { return clean(e.error.Error()) }

// Unwrap returns the error itself.
func (e cleanError) Unwrap() error { return e.error }

// printable returns err, with a text that is bounded and of one line: those of
// encoding/json and net/http quote what the peer sent.
func printable(err error) error {
	if oneline.Is(err.Error(), maxMessage) {
		return err
	}
	return cleanError{err}
}

// parseRetryAfter reads the header of that name: seconds or a date.
func parseRetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
