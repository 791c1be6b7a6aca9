package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// E14: printing the zero Error and the zero StatusError panicked.
func TestZeroValuesArePrintable(t *testing.T) {
	testenv.Print(t,
		&Error{}, Error{}, &Error{Status: 404}, &Error{Status: 200}, &StatusError{}, StatusError{}, &StatusError{Failed: []string{"a"}},
		&StatusError{Info: &api.GlobalPinInfo{}, Failed: []string{"a"}}, StatusFilterParams{}, Op(""), OpKind(0), OpKind(-1), ReplayClass(0), ReplayClass(-1),
		Body{}, &Body{}, Unimplemented{},
	)
	for _, target := range []error{ErrNotFound, ErrUnauthorized, ErrStatus, io.EOF} {
		_ = errors.Is(&Error{}, target)
		_ = errors.Is(&StatusError{}, target)
	}
}

// E14: a RoundTripper that returned neither a response nor an error made every method
// panic. The request may have been executed.
func TestRoundTripperReturnsNothing(t *testing.T) {
	c := newClient(t, &config.Config{RoundTripper: roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, nil
	})})
	for op, do := range calls {
		var e *Error
		if err := do(t.Context(), c); !asError(err, &e) || e.Op != op || !e.MayHaveExecuted || !errors.Is(err, errNoResponse) {
			t.Errorf("%s: %+v", op, err)
		}
	}
}

// E14: a nil pointer as the RoundTripper made every method panic. The constructor
// reports it.
func TestNilPointersInConfig(t *testing.T) {
	_, err := NewDefaultClient(&config.Config{RoundTripper: (*http.Transport)(nil)})
	if err == nil {
		t.Fatal("no error")
	}
	contains(t, err.Error(), "RoundTripper", "*http.Transport")
}

// E14: nil arguments are errors that wrap ErrInvalid.
func TestNilArguments(t *testing.T) {
	c := newClient(t, &config.Config{RoundTripper: roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
		return nil, errors.New("sent")
	})})
	none := &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) { return nil, nil }}
	for name, err := range map[string]error{
		"nil body":            c.AddBody(t.Context(), nil, nil, nil),
		"nil Open":            c.AddBody(t.Context(), &Body{Boundary: "b"}, nil, nil),
		"nothing opened":      c.AddBody(t.Context(), none, nil, nil),
		"nil multi-file":      c.AddMultiFile(t.Context(), nil, nil, nil),
		"no paths":            c.Add(t.Context(), nil, nil, nil),
		"WaitFor":             second(WaitFor(t.Context(), nil, StatusFilterParams{Cid: cidA, Target: api.TrackerStatusPinned})),
		"WaitFor nil pointer": second(WaitFor(t.Context(), (*defaultClient)(nil), StatusFilterParams{Cid: cidA, Target: api.TrackerStatusPinned})),
		"WaitForAll":          drop(collect(WaitForAll(t.Context(), nil, []cid.Cid{cidA}, StatusFilterParams{Target: api.TrackerStatusPinned}))),
	} {
		if !isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
