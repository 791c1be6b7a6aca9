package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

const (
	// maxErrorBody is how many bytes of an error's body are read.
	maxErrorBody = 64 << 10
	// errorBodyTimeout limits the wait for an error's body. It is short, because
	// the status is the most important part of the error.
	errorBodyTimeout = 5 * time.Second
	// maxMessage is the maximum size of an error's message, in bytes.
	maxMessage = 2 << 10
)

// statusError returns the error of a response that is not a success. If why is not
// nil, it says why a redirect was not followed or the request was not repeated.
func (r *response) statusError(why error) error {
	defer r.Body.Close()
	if src := r.upload.sourceError(); errors.Is(src, ErrInvalid) {
		// The status is about an upload that this client has ended.
		return r.fail(0, "", src, false)
	}
	if r.StatusCode < 400 {
		// The body of a redirect has no information for the error.
		return r.fail(r.StatusCode, "", cmp.Or(why, fmt.Errorf("unexpected status %d", r.StatusCode)), !statusRules[r.StatusCode].refused)
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
	// A 404 or a 500 may come from any server. Only those of the API have the code in
	// the body.
	foreign := (r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusInternalServerError) && wire.Code != r.StatusCode
	if wire.Code == 0 {
		wire.Code = r.StatusCode
	}
	var cause error = wire
	if foreign {
		cause = fmt.Errorf("%w; %w", wire, errForeign)
	}
	e := r.fail(r.StatusCode, wire.Message, cause, foreign || !statusRules[r.StatusCode].refused)
	switch {
	case r.StatusCode == http.StatusBadRequest:
		// Current servers answer 400 for bad options, but then execute the request
		// and append its result (quirk Q1).
		e.MayHaveExecuted = documents > 1
	case r.StatusCode == http.StatusInternalServerError && !foreign && why == nil:
		e.Err = r.unreadUpload(wire)
	case why != nil:
		e.Err = fmt.Errorf("%w; %w", cause, why)
	}
	e.RetryAfter = parseRetryAfter(r.Header.Get("Retry-After"), r.Header.Get("Date"), time.Now())
	return e
}

// decodeError decodes the first document of an error's body, and returns the
// number of documents. If the body is not an error of the API, the message is a
// proxy's error or the text of the body, and the code is 0.
func decodeError(body []byte) (wire api.Error, documents int) {
	dec := json.NewDecoder(bytes.NewReader(body))
	var doc struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Error   string `json:"error"` // the message of a proxy
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

// clean returns text from the network as one bounded line for an error.
func clean(text string) string { return oneline.Text(text, maxMessage) }

// cleanError wraps an error whose text is too long or not printable.
type cleanError struct {
	error
}

// Error returns the cleaned text.
func (e cleanError) Error() string { return clean(e.error.Error()) }

// Unwrap returns the wrapped error.
func (e cleanError) Unwrap() error { return e.error }

// printable returns err with a text of one bounded line. The errors of
// encoding/json and net/http quote the peer's data without such limits.
func printable(err error) error {
	if oneline.Is(err.Error(), maxMessage) {
		return err
	}
	return cleanError{err}
}

// maxRetryAfter is the longest Retry-After that an error reports.
const maxRetryAfter = 24 * time.Hour

// parseRetryAfter parses a Retry-After header, which is in seconds or a date. A
// date is compared with the Date header of the same response, because both come
// from the server's clock. Without a Date, or if the difference is not plausible, it
// is compared with now. The result is at most maxRetryAfter, and 0 if value is
// neither form, or in the past.
func parseRetryAfter(value, date string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case err == nil && seconds < uint64(maxRetryAfter/time.Second):
		return time.Duration(seconds) * time.Second
	case err == nil, errors.Is(err, strconv.ErrRange):
		return maxRetryAfter
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(date); err == nil {
		if wait := at.Sub(sent); wait >= 0 && wait <= maxRetryAfter {
			return wait
		}
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
