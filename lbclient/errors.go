package lbclient

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/client"
)

// ErrReplayDiverged is how an add ends that broke at one peer and, done again
// at another, was reported differently from what had already been delivered:
// the source changed meanwhile, or the peers add differently. The outputs
// received so far are worthless; add again from the start.
var ErrReplayDiverged = errors.New("the repeated add differs from what was delivered before: discard the outputs and add again")

// Attempt is one attempt of a failed call.
type Attempt struct {
	// Endpoint names the endpoint that was asked.
	Endpoint string
	// Duration is how long the attempt took, what the consumer of a stream
	// took included.
	Duration time.Duration
	// Err is how it failed.
	Err error
}

// AttemptsError is how a call failed that more than one answer decided. A call
// whose only attempt was refused (404, invalid arguments, an unreadable source
// …) returns that attempt's error instead.
//
// errors.Is finds what any attempt failed with. errors.As prefers the last
// attempt, and the [*client.Error] that it finds says MayHaveExecuted if any
// of the attempts may have been executed.
type AttemptsError struct {
	// Op is the operation that failed.
	Op client.Op
	// Attempts are the attempts in order; there is at least one.
	Attempts []Attempt
	// Cause is why there was no further attempt although one was left and
	// would have been allowed: the end of the caller's context,
	// client.ErrClosed, client.ErrBodyNotReplayable … It is nil otherwise.
	Cause error
}

// Error names each attempt's endpoint, duration and failure in one line.
// Attempts that failed alike are named once.
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
		text := strings.TrimPrefix(a.Err.Error(), string(e.Op)+" ")
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
		fmt.Fprintf(&b, "; not tried again: %s", e.Cause)
	}
	return b.String()
}

// Unwrap returns the error of each attempt in order, and then Cause if there
// is one.
func (e *AttemptsError) Unwrap() []error {
	errs := make([]error, 0, len(e.Attempts)+1)
	for _, a := range e.Attempts {
		errs = append(errs, a.Err)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}

// As makes errors.As look at the last attempt first.
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

// mayHaveExecuted tells whether the request of a may have been executed.
func mayHaveExecuted(a Attempt) bool {
	var e *client.Error
	return errors.As(a.Err, &e) && e.MayHaveExecuted
}
