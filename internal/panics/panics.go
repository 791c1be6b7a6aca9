// Package panics carries a panic of users' code from one goroutine to another.
package panics

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
)

// Recovered is a recovered panic. It is the value that Repanic panics with, so that its
// text has the stack of the goroutine where the panic began.
type Recovered struct {
	// Value is the value of the panic. It is nil if the goroutine ended with
	// [runtime.Goexit].
	Value any
	// Stack is the stack of the goroutine where the panic began.
	Stack []byte
}

// Error returns the value and the stack.
func (r *Recovered) Error() string { return fmt.Sprintf("%v\n\n%s", r.Value, r.Stack) }

// Unwrap returns the value if it is an error, else nil.
func (r *Recovered) Unwrap() error {
	err, _ := r.Value.(error)
	return err
}

// Run calls f, and then calls ended with the panic of f, or with nil if f returned. If f
// ends its goroutine with [runtime.Goexit], the goroutine ends after ended has returned.
func Run(f func(), ended func(*Recovered)) {
	returned := false
	defer func() {
		if returned {
			ended(nil)
			return
		}
		value := recover()
		if r, ok := value.(*Recovered); ok {
			ended(r) // it began on another goroutine
			return
		}
		ended(&Recovered{value, debug.Stack()})
	}()
	f()
	returned = true
}

// Catch calls f and returns its panic, or nil if f returned.
func Catch(f func()) (r *Recovered) {
	Run(f, func(got *Recovered) { r = got })
	return r
}

// Repanic panics with r, or ends the goroutine if the recovered function has ended its
// own. If r is nil, it does nothing.
func (r *Recovered) Repanic() {
	switch {
	case r == nil:
	case r.Value == nil:
		runtime.Goexit()
	default:
		panic(r)
	}
}

// Log logs r at level Error, unless r is nil. A panic of the logger is ignored, because
// the goroutine that logs has no caller.
func (r *Recovered) Log(logger *slog.Logger, message string, args ...any) {
	if r != nil {
		_ = Catch(func() { logger.With(args...).Error(message, "panic", fmt.Sprint(r.Value), "stack", string(r.Stack)) })
	}
}
