package transport_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// C9: a /dns4/ name that moved was not noticed while the pool was busy. Every request here
// finds the connections too old.
func TestMovedNameIsNoticed(t *testing.T) {
	testenv.MustHaveAddress(t, "127.0.0.2")
	dns, resolver := transporttest.NewDNS(t)
	home := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Home", name) })
	}
	before := listen(t, "127.0.0.1:0")
	after := listen(t, "127.0.0.2:"+port(before))
	serve(t, before, home("before"), nil)
	serve(t, after, home("after"), nil)
	for maxAge, want := range map[time.Duration]string{1: "after", -1: "before"} {
		dns.SetIPs("peer.test", "127.0.0.1")
		ep := transporttest.Open(t, &config.Config{APIAddr: multiaddr.StringCast("/dns4/peer.test/tcp/" + port(before)), Resolver: resolver, MaxConnAge: maxAge})
		for i := range 2 {
			resp, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if got := resp.Header.Get("X-Home"); i == 1 && got != want || i == 0 && got != "before" {
				t.Errorf("MaxConnAge %d, request %d: answered by %q", maxAge, i, got)
			}
			dns.SetIPs("peer.test", "127.0.0.2")
		}
	}
}
