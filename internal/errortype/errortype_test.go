package errortype_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/errortype"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Errors of each kind have their word, and there is a bounded number of words.
func TestOf(t *testing.T) {
	cause := errors.New("x")
	at := func(status int, err error, may bool) error {
		return &client.Error{Op: client.OpID, Endpoint: "a", Status: status, Err: err, MayHaveExecuted: may}
	}
	all := func(cause error, errs ...error) error {
		e := &lbclient.AttemptsError{Op: client.OpID, Cause: cause}
		for _, err := range errs {
			e.Attempts = append(e.Attempts, lbclient.Attempt{Endpoint: "a", Err: err})
		}
		return e
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(503, cause, true), "503"},
		{at(404, cause, false), "404"},
		{at(200, api.Error{Code: 500, Message: "x"}, true), "stream"},
		{at(200, client.ErrIncomplete, true), "incomplete"},
		{at(0, cause, false), "unsent"},
		{at(0, cause, true), "_OTHER"},
		{at(999, cause, true), "stream"},
		{cause, "_OTHER"},
		{at(0, context.Canceled, true), "canceled"},
		{at(0, context.DeadlineExceeded, true), "timeout"},
		{at(0, client.ErrClosed, false), "closed"},
		{at(0, client.ErrInvalid, false), "invalid"},
		{at(0, client.ErrSource, true), "source"},
		{all(nil, at(0, context.DeadlineExceeded, true), at(503, cause, true)), "503"},
		{all(context.Canceled, at(503, cause, true)), "canceled"},
		{all(client.ErrBodyNotReplayable, at(0, cause, true)), "not_replayable"},
	} {
		if got := errortype.Of(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
