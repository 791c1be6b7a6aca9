package transport

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// DialError reports that a request was provably not sent, because there was no
// connection to the endpoint.
type DialError struct {
	// Addr is the endpoint's name.
	Addr string
	// Err is the cause. It may be the error of the caller's context.
	Err error
	// Local is set if this machine is the cause, and not the endpoint: it has no
	// file descriptors, ports or memory left, no route to other machines, or a rule
	// that forbids the connection.
	Local bool
}

func (e *DialError) Error() string {
	if e.Err == nil {
		return "dialling " + e.Addr + ": failed"
	}
	if e.Local {
		return "dialling " + e.Addr + " failed on this machine: " + e.Err.Error()
	}
	return "dialling " + e.Addr + ": " + e.Err.Error()
}

// Unwrap returns e.Err.
func (e *DialError) Unwrap() error { return e.Err }

// errSwitched is the error of a request that was answered with 101. This package
// never asks for another protocol.
var errSwitched = errors.New("the server switched to another protocol (status 101) without having been asked to")

// timeoutError reports that one of the Config's timeouts expired. It is a net.Error
// and matches os.ErrDeadlineExceeded. It does not match context.DeadlineExceeded,
// which always comes from the caller's context.
type timeoutError struct {
	what  string
	after time.Duration
	err   error // the error of the interrupted operation, or nil
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
