package lbclient_test

import (
	"errors"
	"net/http"
	"testing"

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
