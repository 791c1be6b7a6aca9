package client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// The 404 of an ingress or a proxy that does not know the host was ErrNotFound. A retried
// Unpin treated it as success, and the pin stayed. Now only the API's own 404 is
// ErrNotFound and proves that the request was not executed.
func TestForeignNotFound(t *testing.T) {
	for _, test := range []struct {
		body string
		own  bool
	}{
		{`{"code":404,"message":"pin is not part of the pinset"}`, true},
		{`{"code":404,"message":"not found"}` + "\n", true},
		{"", false},
		{"404 page not found\n", false},
		{"default backend - 404", false},
		{"<html><h1>404 Not Found</h1></html>", false},
		{`{}`, false},
		{`null`, false},
		{`{"code":404}`, false},
		{`{"message":"no Route matched with those values"}`, false},
		{`{"code":5,"message":"Not Found","details":[]}`, false},
		{`{"code":"404","message":"not found"}`, false},
		{`{"error":"not found"}`, false},
		{`[{"code":404,"message":"not found"}]`, false},
		{`{"code":404,"message":"not fou`, false},
	} {
		wire := rawserver.Response{Status: 404, Header: [][2]string{{"Content-Length", fmt.Sprint(len(test.body))}}, Body: []byte(test.body), Framing: rawserver.Length}
		c := answering(t, wire.Answer())
		for op, call := range calls {
			err := call(t.Context(), c)
			var e *Error
			if !asError(err, &e) || e.Status != 404 || errors.Is(err, ErrNotFound) != test.own || e.MayHaveExecuted == test.own {
				t.Errorf("%s, %q: %#v", op, test.body, err)
			}
			if !test.own {
				contains(t, err.Error(), "not the cluster's API")
			}
		}
	}
}
