package transport

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/config"
)

// counting is a Dialer that counts its dials.
type counting struct {
	*pipes
	dials atomic.Int64
}

func (d *counting) DialContext(ctx context.Context) (net.Conn, error) {
	d.dials.Add(1)
	return d.pipes.DialContext(ctx)
}

// countDials returns an endpoint whose in-memory connections lead to handler, and the
// counter of its dials. Endpoint and server close when the test ends.
func countDials(t *testing.T, handler http.HandlerFunc) (*Endpoint, *counting) {
	t.Helper()
	d := &counting{pipes: newPipes()}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(d.pipes) }()
	ep := dialledBy(t, &config.Config{}, d)
	t.Cleanup(func() {
		ep.Close()
		server.Close()
	})
	return ep, d
}

// Repeated bursts of hundreds of concurrent calls reuse the connections of the
// first burst. The pool used to keep only 100, and the other calls dialled again
// in each burst.
func TestBurstsKeepTheirConnections(t *testing.T) {
	const calls, bursts = 300, 3
	var arrived sync.WaitGroup
	ep, d := countDials(t, func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	})
	for range bursts {
		arrived.Add(calls)
		var calling sync.WaitGroup
		for range calls {
			calling.Go(func() {
				if err := readAll(do(t, t.Context(), ep, http.MethodGet, nil)); err != nil {
					t.Error(err)
				}
			})
		}
		calling.Wait()
	}
	// On a busy machine net/http discards a connection now and then.
	if n := d.dials.Load(); n > calls+calls/10 {
		t.Errorf("%d dials for %d calls at a time", n, calls)
	}
}
