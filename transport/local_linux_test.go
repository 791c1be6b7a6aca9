package transport_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// C10: a client without file descriptors ejected all its peers. Now its errors say that
// this machine is the cause, whether the address is a name or an IP address.
func TestNoDescriptors(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(nothing), nil)
	dns, resolver := transporttest.NewDNS(t)
	dns.SetIPs("peer.test", "127.0.0.1")
	cfgs := []*config.Config{{Host: l.Addr().String()}, {Host: "peer.test", Port: port(l), Resolver: resolver}}
	for _, cfg := range cfgs {
		ep := transporttest.Open(t, cfg)
		var err error
		testenv.WithoutDescriptors(t, func() {
			_, err = transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil)
		})
		var dial *transport.DialError
		if !errors.As(err, &dial) || !dial.Local || !strings.Contains(err.Error(), "on this machine") {
			t.Errorf("%s: %v", cfg.Host, err)
		}
		if resp, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil); err != nil {
			t.Errorf("%s: with descriptors again: %v", cfg.Host, err)
		} else {
			_ = resp.Body.Close()
		}
	}
}

// C10, continued: a machine without a network, which the test makes by a network namespace
// without interfaces, blames no peer either.
func TestNoRoute(t *testing.T) {
	if os.Getenv("PINFLEET_TEST_NO_ROUTE") != "" {
		dialWithoutRoute(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoRoute$", "-test.v")
	cmd.Env = append(os.Environ(), "PINFLEET_TEST_NO_ROUTE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("this machine allows no network namespaces: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestNoRoute") {
		t.Errorf("%v\n%s", err, out)
	}
}

// dialWithoutRoute is the part of TestNoRoute that runs without a network.
func dialWithoutRoute(t *testing.T) {
	silent := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", "192.0.2.53:53")
	}}
	for _, cfg := range []*config.Config{{Host: "192.0.2.1:9"}, {Host: "[2001:db8::1]:9"}, {Host: "peer.test:9", Resolver: silent}} {
		_, err := transporttest.Do(t, t.Context(), transporttest.Open(t, cfg), http.MethodGet, "/id", nil)
		var dial *transport.DialError
		if !errors.As(err, &dial) || !dial.Local {
			t.Errorf("%s: %v", cfg.Host, err)
		}
	}
}
