package transport

import (
	"fmt"
	"os"
	"time"
)

// A DialError says that a request was provably not sent, because no connection
// to the endpoint could be had. What stopped it, be it the caller's context, is
// in Err.
type DialError struct {
	// Addr is the endpoint's name.
	Addr string
	// Err is the cause.
	Err error
}

func (e *DialError) Error() string { return "dialling " + e.Addr + ": " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *DialError) Unwrap() error { return e.Err }

// timeoutError says that one of the Config's timeouts passed. It is a net.Error
// and an os.ErrDeadlineExceeded, but not a context.DeadlineExceeded: that one
// always stems from the caller.
type timeoutError struct {
	what  string
	after time.Duration
	err   error // what was interrupted by it, or nil
}

func (e *timeoutError) Error() string {
	s := fmt.Sprintf("%s within %v", e.what, e.after)
	if e.err != nil {
		s += ": " + e.err.Error()
	}
	return s
}

func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

func (e *timeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
