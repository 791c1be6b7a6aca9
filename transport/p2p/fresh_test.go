package p2p

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// C3: whether a peer is alive was asked over a new stream of the connection that may be dead.
// A request for a fresh connection has one of its own, which ends with it.
func TestFreshConnection(t *testing.T) {
	h := newHost(t, WithListenAddrs(loopback))
	serve(t, h, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Conns", fmt.Sprint(len(h.Network().Conns())))
	}))
	ep := transporttest.Open(t, &config.Config{APIAddr: address(h)})
	for i, want := range []string{"1", "2", "1"} {
		ctx := t.Context()
		if want == "2" {
			ctx = liveness.WithFreshConnection(ctx)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, ep.BaseURL.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := ep.RoundTripper.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Conns"); got != want {
			t.Errorf("request %d: the peer has %s connections, want %s", i, got, want)
		}
		// The peer learns of the end of a connection a little later. This polls, because
		// sockets are not part of a synctest bubble.
		for deadline := time.Now().Add(10 * time.Second); len(h.Network().Conns()) > 1 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
	checkHosts(t, 1)
}
