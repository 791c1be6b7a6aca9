// Package exitcode maps errors to the exit statuses of the command.
package exitcode

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinfleet/pinfleet/client"
)

// The exit statuses.
const (
	Done        = 0
	Failed      = 1
	WrongUse    = 2   // arguments, flags or the configuration file
	NotFound    = 3   // the pin or peer does not exist
	Refused     = 4   // the credentials
	Partly      = 5   // some items failed, the others are done
	TimedOut    = 6   // --timeout has passed
	Interrupted = 130 // by a signal, as shells report it
)

// ErrInterrupted is the cause of a context that a signal has cancelled.
var ErrInterrupted = errors.New("interrupted")

// Error is an error with an exit status.
type Error struct {
	Code int
	Err  error
}

// Error returns the text of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Usage returns an error with the status WrongUse. The text is one sentence that says
// what to do.
func Usage(format string, args ...any) error {
	return &Error{Code: WrongUse, Err: fmt.Errorf(format, args...)}
}

// Of returns the exit status for err. A nil error is Done. In an error with several
// attempts, the last one counts.
func Of(err error) int {
	var own *Error
	switch {
	case err == nil:
		return Done
	case errors.Is(err, ErrInterrupted):
		return Interrupted
	case errors.As(err, &own):
		return own.Code
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	}
	last := err
	var answer *client.Error
	if errors.As(err, &answer) {
		last = answer
	}
	switch {
	case errors.Is(last, client.ErrUnauthorized), errors.Is(last, client.ErrCredentials):
		return Refused
	case errors.Is(last, client.ErrNotFound):
		return NotFound
	case errors.Is(last, client.ErrInvalid):
		return WrongUse
	}
	return Failed
}
