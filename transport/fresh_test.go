package transport

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/internal/liveness"
)

// A request for a fresh connection dials one, although idle connections exist, and does not
// leave it in the pool. If it fails, the idle connections are not used again, because they
// lead to the same peer (C3: the connections to a vanished host stayed in the pool). A
// request with a body has a connection of its own, too: an idle one may be dead, and
// the body would have to be sent again.
func TestFreshConnection(t *testing.T) {
	ep, d := countDials(t, func(_ http.ResponseWriter, r *http.Request) {
		// A pipe has no buffer: a body that is not read cannot be sent.
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodDelete {
			panic(http.ErrAbortHandler)
		}
	})
	fresh := liveness.WithFreshConnection(t.Context())
	for i, step := range []struct {
		fresh  bool
		method string
		dials  int64 // in all
	}{
		{false, http.MethodGet, 1},
		{true, http.MethodGet, 2},
		{true, http.MethodGet, 3},
		{false, http.MethodGet, 3},
		{true, http.MethodDelete, 4},
		{false, http.MethodGet, 5},
		{false, http.MethodPost, 6},
		{false, http.MethodPost, 7},
		{false, http.MethodGet, 7},
	} {
		ctx := t.Context()
		if step.fresh {
			ctx = fresh
		}
		var body io.Reader
		if step.method == http.MethodPost {
			body = strings.NewReader("x")
		}
		req, err := http.NewRequestWithContext(ctx, step.method, ep.BaseURL.String(), body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := ep.RoundTripper.RoundTrip(req)
		if (err != nil) != (step.method == http.MethodDelete) {
			t.Errorf("step %d: %v", i, err)
		}
		if err == nil {
			if err := readAll(resp, nil); err != nil {
				t.Error(err)
			}
		}
		if n := d.dials.Load(); n != step.dials {
			t.Errorf("step %d: %d dials, want %d", i, n, step.dials)
		}
	}
}
