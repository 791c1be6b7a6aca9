package client

import (
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// Calls to the peer, and requests to its IPFS proxy, go through Config.Proxy. The proxy has
// its own credentials, and gets none of the peer's with them.
func TestProxyIsUsedForThePeer(t *testing.T) {
	rec := &recorder{answer: rawserver.JSON(200, idDoc)}
	s := rawserver.New(t, rec.handle)
	c := newClient(t, &config.Config{URL: "http://peer.test:9094", Proxy: "http://u:p@" + s.Addr()})
	if _, err := c.ID(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, hc, err := c.IPFS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Get(u.JoinPath("/api/v0/version").String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for i, want := range []string{"GET http://peer.test:9094/id", "GET http://peer.test:9095/api/v0/version"} {
		r := rec.requests()[i]
		if r.line != want || r.header.Get("Proxy-Authorization") == "" || r.header.Get("Authorization") != "" {
			t.Errorf("got %q with Proxy-Authorization %q and Authorization %q, want %q", r.line, r.header.Get("Proxy-Authorization"), r.header.Get("Authorization"), want)
		}
	}
	// An IPFS proxy at a Unix socket needs no way out.
	local := &config.Config{URL: "http://peer.test:9094", Proxy: "http://" + s.Addr(), ProxyAddr: multiaddr.StringCast("/unix/tmp/ipfs")}
	if _, _, err := newClient(t, local).IPFS(t.Context()); err != nil {
		t.Error(err)
	}
}
