package transport_test

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/heldport"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// E7: localhost, and the names below it, count as this machine, so that credentials are
// sent to them in clear text. But they were resolved, and a name server could lead them
// to another machine. Now they are not resolved. 127.0.0.2 is the other machine here.
func TestE7LocalhostIsNotResolved(t *testing.T) {
	testenv.MustHaveAddress(t, "127.0.0.2")
	dns, resolver := transporttest.NewDNS(t)
	l := listen(t, "127.0.0.1:0")
	here := serve(t, l, http.HandlerFunc(nothing), nil)
	there := serve(t, listen(t, "127.0.0.2:"+port(l)), http.HandlerFunc(nothing), nil)
	for _, name := range []string{"localhost", "a.localhost", "LOCALHOST", "A.b.LocalHost.", "localhost."} {
		dns.SetIPs(name, "127.0.0.2")
		for _, cfg := range []*config.Config{
			{APIAddr: multiaddr.StringCast("/dns/" + name + "/tcp/" + port(l))},
			{APIAddr: multiaddr.StringCast("/dns4/" + name + "/tcp/" + port(l) + "/http")},
			{Host: name, Port: port(l)},
			{URL: "http://" + name + ":" + port(l)},
		} {
			cfg.Resolver, cfg.Token, cfg.DisableKeepAlives = resolver, "t", true
			before := here.Accepts()
			if _, err := id(t, cfg); err != nil || here.Accepts() != before+1 {
				t.Errorf("%v: %v", cfg, err)
			}
		}
	}
	cfgs, err := (&config.Config{Resolver: resolver}).AsTemplateForResolvedAddress(t.Context(), multiaddr.StringCast("/dns4/a.localhost/tcp/1"))
	if err != nil || len(cfgs) != 1 || cfgs[0].APIAddr.String() != "/dns4/a.localhost/tcp/1" {
		t.Errorf("as a template: %v, %v", cfgs, err)
	}
	if there.Accepts() > 0 || dns.Queries() > 0 {
		t.Errorf("%d connections to the other machine, %d queries", there.Accepts(), dns.Queries())
	}
}

// /dns6/localhost is ::1.
func TestLocalhostOverIPv6(t *testing.T) {
	testenv.MustHaveAddress(t, "::1")
	l := listenOnlyOverIPv6(t)
	serve(t, l, http.HandlerFunc(nothing), nil)
	for _, protocol := range []string{"dns", "dns6"} {
		if _, err := id(t, &config.Config{APIAddr: multiaddr.StringCast("/" + protocol + "/a.localhost/tcp/" + port(l))}); err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	if _, err := id(t, &config.Config{APIAddr: multiaddr.StringCast("/dns4/a.localhost/tcp/" + port(l))}); err == nil {
		t.Error("dns4: no error")
	}
}

// listenOnlyOverIPv6 listens on a port of ::1 on which no other program listens over IPv4.
func listenOnlyOverIPv6(t *testing.T) net.Listener {
	for {
		l := listen(t, "[::1]:0")
		held, err := heldport.Hold("127.0.0.1", l.Addr().(*net.TCPAddr).Port)
		if errors.Is(err, syscall.EADDRINUSE) {
			l.Close()
			continue
		}
		if err == nil { // there is IPv4
			t.Cleanup(func() { _ = held.Release() })
		}
		return l
	}
}
