package otel

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

func TestEndpointAttributes(t *testing.T) {
	for name, want := range map[string][2]string{
		"/ip4/127.0.0.1/tcp/9094":            {"127.0.0.1", "9094"},
		"/ip6/::1/tcp/9094":                  {"::1", "9094"},
		"/dns4/example.net/tcp/443/https":    {"example.net", "443"},
		"https://example.net/base":           {"example.net", "443"},
		"http://[::1]:9094":                  {"::1", "9094"},
		"/unix/run/cluster.sock":             {"/run/cluster.sock", ""},
		"client-0":                           {"", ""},
		"[/ip4/127.0.0.1/tcp/9094 client-1]": {"", ""},
		"/nonsense":                          {"", ""},
		"http://%zz":                         {"", ""},
		"":                                   {"", ""},
		"/p2p/12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN": {"", ""},
	} {
		set := attribute.NewSet(endpointAttributes(name)...)
		if got := pick(set, "pinfleet.endpoint"); got != name {
			t.Errorf("%s: endpoint %q", name, got)
		}
		for i, key := range []attribute.Key{"server.address", "server.port"} {
			if v, ok := set.Value(key); ok != (want[i] != "") || ok && v.String() != want[i] {
				t.Errorf("%s: %s is %q, want %q", name, key, v.String(), want[i])
			}
		}
	}
}

func TestErrorType(t *testing.T) {
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
		if got := errorType(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
