package exitcode

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

func TestOf(t *testing.T) {
	status := func(code int) error { return &client.Error{Status: code, Err: errors.New("x")} }
	attempts := func(errs ...error) error {
		e := &lbclient.AttemptsError{}
		for _, err := range errs {
			e.Attempts = append(e.Attempts, lbclient.Attempt{Err: err})
		}
		return e
	}
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, Done},
		{errors.New("x"), Failed},
		{status(500), Failed},
		{status(404), NotFound},
		{status(401), Refused},
		{status(403), Refused},
		{&client.Error{Err: client.ErrCredentials}, Refused},
		{&client.Error{Err: client.ErrInvalid}, WrongUse},
		{Usage("x"), WrongUse},
		{fmt.Errorf("x: %w", Usage("x")), WrongUse},
		{&client.Error{Err: context.DeadlineExceeded}, TimedOut},
		{fmt.Errorf("x: %w", ErrInterrupted), Interrupted},
		{&Error{Partly, status(401)}, Partly},
		{attempts(status(401), status(500)), Failed},
		{attempts(status(500), status(401)), Refused},
	} {
		if got := Of(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
}
