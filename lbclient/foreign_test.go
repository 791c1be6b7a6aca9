package lbclient_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// If an Unpin got no answer from one peer, and then a 404 from an ingress instead of a
// peer, it returned success, and the pin remained. It must try another peer after such a
// 404.
func TestUnpinPastAnIngress(t *testing.T) {
	broken := rawserver.New(t, func(*http.Request) rawserver.Answer { return rawserver.Answer{Close: true} })
	ingress := rawserver.New(t, func(*http.Request) rawserver.Answer {
		return rawserver.Cut([]byte("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\ndefault backend - 404"))
	})
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	ci := cluster.Seed(1)[0]
	cfgs := []*config.Config{{URL: "http://" + broken.Addr()}, {URL: "http://" + ingress.Addr()}}
	for _, good := range []bool{false, true} {
		if good {
			cfgs = append(cfgs, &config.Config{APIAddr: cluster.Peer(0).Addr()})
		}
		c, err := lbclient.NewLBClient(&strategy.Failover{}, cfgs, len(cfgs)-1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		pin, err := c.Unpin(t.Context(), ci)
		var e *client.Error
		switch {
		case good && (err != nil || pin.Cid.Cid != ci || len(cluster.Pinset()) != 0):
			t.Errorf("with a good peer: %v, %v", pin, err)
		case !good && (!errors.As(err, &e) || errors.Is(err, client.ErrNotFound) || !e.MayHaveExecuted):
			t.Errorf("without a good peer: %v, %v", pin, err)
		}
		if _, err := c.Allocation(t.Context(), ci); good && !errors.Is(err, client.ErrNotFound) {
			t.Errorf("Allocation of what is not pinned: %v", err)
		}
	}
}

// C2: a 500 of the API on a call with arguments is often the caller's mistake, but a 500
// without the API's error comes from something in front of the peer. It counts against the
// endpoint, and a write does not go elsewhere after it, because it may have been executed.
// That is also so if its text is that of a peer that is shutting down.
func TestForeign500Counts(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	ci := cluster.Seed(1)[0]
	for text, ejected := range map[string]bool{"oops": true, "context canceled": true, `{"code":500,"message":"a mistake"}`: false} {
		proxy := rawserver.New(t, func(r *http.Request) rawserver.Answer {
			if r.URL.Path == "/health" {
				return rawserver.Answer{Close: true}
			}
			return rawserver.JSON(500, text)
		})
		c, err := lbclient.NewFromConfigs(&strategy.Failover{}, []*config.Config{{URL: "http://" + proxy.Addr()}, {APIAddr: cluster.Peer(0).Addr()}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 5 {
			var e *client.Error
			if _, err := c.Pin(t.Context(), ci, api.PinOptions{}); !errors.As(err, &e) || e.Status != 500 || e.IsForeign() != ejected {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if _, err := c.Pin(t.Context(), ci, api.PinOptions{}); (err == nil) != ejected {
			t.Errorf("%s: after five: %v", text, err)
		}
	}
}
