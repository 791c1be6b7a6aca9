package lbclient

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// ErrReplayDiverged reports that an add was repeated at another peer, and that the
// outputs there differ from those already delivered: the source has changed, or the
// peers add differently. Discard the outputs and add again.
var ErrReplayDiverged = errors.New("the repeated add differs from what was delivered before: discard the outputs and add again")

// Attempt describes one attempt of a failed call.
type Attempt struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Duration is the time from the start of the attempt to its end. For a
	// stream, that includes the time that the consumer took.
	Duration time.Duration
	// Err is the error of the attempt.
	Err error
}

// AttemptsError reports a call that failed after one or more attempts, with the error
// of each. If the first attempt fails in a way that rules out a second (404, invalid
// arguments, an unreadable source, …), the call returns that attempt's error instead.
//
// errors.Is matches the errors of all attempts and the Cause. errors.As prefers the
// error of the last attempt. In a [*client.Error] that it finds there, MayHaveExecuted
// is set if any of the attempts may have been executed.
type AttemptsError struct {
	// Op is the operation that failed.
	Op client.Op
	// Attempts holds at least one attempt, in order.
	Attempts []Attempt
	// Cause is the reason why there was no further attempt: the error of the
	// caller's context, client.ErrClosed, ErrRetryBudget,
	// client.ErrBodyNotReplayable or the like. It is nil if the retries were
	// used up, or if the last failure rules out another attempt.
	Cause error
}

// Error returns one line with each attempt's endpoint, duration and error. Attempts
// with the same endpoint and error are merged.
func (e *AttemptsError) Error() string {
	var b strings.Builder
	plural := "s"
	if len(e.Attempts) == 1 {
		plural = ""
	}
	fmt.Fprintf(&b, "%s: %d attempt%s failed: ", e.Op, len(e.Attempts), plural)
	var texts []string
	times := map[string]int{}
	total := map[string]time.Duration{}
	for _, a := range e.Attempts {
		text := strings.TrimPrefix(textOf(a.Err), string(e.Op)+" ")
		if !strings.Contains(text, a.Endpoint) {
			text = "at " + a.Endpoint + ": " + text
		}
		if times[text] == 0 {
			texts = append(texts, text)
		}
		times[text]++
		total[text] += a.Duration
	}
	for i, text := range texts {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(text)
		if n := times[text]; n > 1 {
			fmt.Fprintf(&b, " (%d times, %s in all)", n, total[text].Round(time.Millisecond))
		} else {
			fmt.Fprintf(&b, " (after %s)", total[text].Round(time.Millisecond))
		}
	}
	if e.Cause != nil && !errors.Is(e.last(), e.Cause) {
		fmt.Fprintf(&b, "; not tried again: %s", textOf(e.Cause))
	}
	return b.String()
}

// maxErrorText is the maximum size in bytes of the text of one error.
const maxErrorText = 2 << 10

// textOf returns the text of err as one printable line of at most maxErrorText bytes. An
// error of a user's client may have any text.
func textOf(err error) string {
	if err == nil {
		return "no error" // in an AttemptsError that a program has created
	}
	return oneline.Text(err.Error(), maxErrorText)
}

// Unwrap returns the errors of the attempts in order, followed by Cause if it is not
// nil.
func (e *AttemptsError) Unwrap() []error {
	errs := make([]error, 0, len(e.Attempts)+1)
	for _, a := range e.Attempts {
		if a.Err != nil {
			errs = append(errs, a.Err)
		}
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}

// As makes errors.As examine the last attempt first.
func (e *AttemptsError) As(target any) bool {
	last := e.last()
	if last == nil || !errors.As(last, target) {
		return false
	}
	if found, ok := target.(**client.Error); ok && slices.ContainsFunc(e.Attempts, mayHaveExecuted) {
		careful := **found
		careful.MayHaveExecuted = true
		*found = &careful
	}
	return true
}

func (e *AttemptsError) last() error {
	if len(e.Attempts) == 0 {
		return nil
	}
	return e.Attempts[len(e.Attempts)-1].Err
}

// mayHaveExecuted reports whether the request of a may have been executed.
func mayHaveExecuted(a Attempt) bool {
	var e *client.Error
	return errors.As(a.Err, &e) && e.MayHaveExecuted
}
