package clustertest

import (
	"io"
	"net/http"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"
)

func base(t *testing.T, p *Peer) string {
	a, err := manet.ToNetAddr(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + a.String()
}

func TestSmoke(t *testing.T) {
	c := New(t, Options{})
	c.Seed(3)
	for _, path := range []string{"/id", "/peers", "/pins", "/allocations", "/health/graph"} {
		resp, err := http.Get(base(t, c.Peer(0)) + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Log(resp.Status, string(b), resp.Trailer)
	}
	c.Peer(0).Stop()
	if _, err := http.Get(base(t, c.Peer(0)) + "/id"); err == nil {
		t.Fatal("still up")
	}
	if err := c.Peer(0).Start(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(base(t, c.Peer(0)) + "/id")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
