package lbclient

import (
	"context"
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/internal/liveness"
)

type aKey struct{}

// The context of an attempt behaves as one of the standard library, whether somebody waits
// for its end before it ends or not.
func TestAttemptContext(t *testing.T) {
	reason := errors.New("reason")
	for _, early := range []bool{false, true} {
		parent, stop := context.WithCancelCause(context.WithValue(t.Context(), aKey{}, 1))
		defer stop(nil)
		c := &attemptContext{parent: parent}
		if early {
			_ = c.Done()
		}
		if c.Err() != nil || context.Cause(c) != nil || c.Value(aKey{}) != 1 || liveness.From(c) != &c.tracker {
			t.Errorf("early %t: %v, %v, %v", early, c.Err(), context.Cause(c), c.Value(aKey{}))
		}
		child, cancel := context.WithCancel(c)
		defer cancel()
		c.end(reason)
		<-c.Done()
		<-child.Done()
		if c.Err() != context.Canceled || context.Cause(c) != reason || context.Cause(child) != reason {
			t.Errorf("early %t: %v, %v, %v", early, c.Err(), context.Cause(c), context.Cause(child))
		}
		if parent.Err() != nil {
			t.Error("the parent has ended")
		}
	}
}

// The end of the parent reaches the attempt, and an attempt that is over does not keep
// anything in the parent.
func TestAttemptContextParent(t *testing.T) {
	reason := errors.New("reason")
	for _, early := range []bool{false, true} {
		parent, stop := context.WithCancelCause(t.Context())
		c := &attemptContext{parent: parent}
		if early {
			_ = c.Done()
		}
		stop(reason)
		<-c.Done()
		if c.Err() != context.Canceled || context.Cause(c) != reason {
			t.Errorf("early %t: %v, %v", early, c.Err(), context.Cause(c))
		}
	}
	c := &attemptContext{parent: t.Context()}
	c.release()
	c.end(reason)
	if c.Err() != nil {
		t.Errorf("ended after the attempt was over: %v", c.Err())
	}
	<-c.Done() // somebody who waits after the attempt does not wait for ever
}
