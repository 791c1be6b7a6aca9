// Package errortype names the kind of an error in a bounded set of words, for the
// labels of metrics and the attributes of spans.
package errortype

import (
	"context"
	"errors"
	"strconv"

	"github.com/pinfleet/pinfleet/client"
)

// Other is the word for errors of no known kind, as in the semantic conventions of
// OpenTelemetry.
const Other = "_OTHER"

// Canceled is the word for what was cancelled.
const Canceled = "canceled"

// words are the words of sentinels, in order of precedence.
var words = []struct {
	target error
	word   string
}{
	{client.ErrSource, "source"},
	{client.ErrInvalid, "invalid"},
	{client.ErrBodyNotReplayable, "not_replayable"},
	{context.DeadlineExceeded, "timeout"},
	{client.ErrIncomplete, "incomplete"},
}

// Of returns the word of an error that is not nil. A closed client and a
// cancellation by the caller take precedence over the status of the last response,
// which is a word such as "503".
func Of(err error) string {
	switch status := Status(err); {
	case errors.Is(err, client.ErrClosed):
		return "closed"
	case errors.Is(err, context.Canceled):
		return Canceled
	case status >= 400 && status < 600:
		return strconv.Itoa(status)
	}
	for _, w := range words {
		if errors.Is(err, w.target) {
			return w.word
		}
	}
	var e *client.Error
	switch {
	case !errors.As(err, &e):
	case e.Status != 0:
		return "stream"
	case !e.MayHaveExecuted:
		return "unsent"
	}
	return Other
}

// Status returns the HTTP status of the response that caused err, or 0 if there
// was none.
func Status(err error) int {
	var e *client.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
