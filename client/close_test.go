package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// U33: there was no Close: connections and goroutines lived until the process ended.
// Close ends idle connections and calls in flight in all their phases. It may be called
// again and concurrently.
func TestU33Close(t *testing.T) {
	arrived := make(chan struct{}, 100)
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		switch r.URL.Path {
		case "/version":
			return rawserver.JSON(200, version)
		case "/add":
			_, _ = io.Copy(io.Discard, r.Body)
			arrived <- struct{}{}
			return hanging(before(rawserver.AddStream([]string{addedA})))(r)
		case "/allocations":
			arrived <- struct{}{}
			return hanging(before(rawserver.Stream([]string{pinA})))(r)
		}
		return silent(arrived)(r)
	})
	before := goleak.IgnoreCurrent()
	c := newClient(t, &config.Config{URL: "http://" + s.Addr()})
	if _, err := c.Version(t.Context()); err != nil { // leaves an idle connection
		t.Fatal(err)
	}
	var calling sync.WaitGroup
	for _, op := range []Op{OpID, OpPin, OpAllocations, OpAdd, OpAddMultiFile, OpStatusCids} {
		calling.Go(func() {
			err := calls[op](t.Context(), c)
			var e *Error
			if !errors.Is(err, ErrClosed) || !asError(err, &e) || !e.MayHaveExecuted || isCanceled(err) {
				t.Errorf("%s under way: %v", op, err)
			}
		})
	}
	calling.Go(func() { // Close also ends an add whose channel nobody reads
		out := make(chan *api.AddedOutput)
		if err := c.Add(t.Context(), []string{"testdata/a"}, nil, out); !errors.Is(err, ErrClosed) {
			t.Errorf("add that nobody reads: %v", err)
		}
	})
	for range 7 {
		<-arrived
	}
	var closing sync.WaitGroup
	for range 3 {
		closing.Go(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	calling.Wait()
	for op, do := range calls {
		err := do(t.Context(), c)
		var e *Error
		if !errors.Is(err, ErrClosed) || !asError(err, &e) || e.Op != op || e.MayHaveExecuted {
			t.Errorf("%s behind Close: %v", op, err)
		}
	}
	if _, _, err := c.IPFS(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("IPFS behind Close: %v", err)
	}
	s.Close()
	goleak.VerifyNone(t, before)
}

// Close also ends the idle connections to web sources and to the IPFS proxy.
func TestCloseEndsOtherConnections(t *testing.T) {
	closed := make(chan struct{}, 10)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	web.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	web.Start()
	defer web.Close()
	a := httptest.NewServer(&adder{})
	defer a.Close()
	proxy := "/ip4/127.0.0.1/tcp/" + strings.TrimPrefix(web.URL, "http://127.0.0.1:")
	c := newClient(t, &config.Config{URL: a.URL, ProxyAddr: multiaddr.StringCast(proxy)})
	if err := c.Add(t.Context(), []string{web.URL}, nil, nil); err != nil {
		t.Fatal(err)
	}
	u, hc, err := c.IPFS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Get(u.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = c.Close()
	<-closed
	<-closed
}

// A listing that began before Close ends with its next step.
func TestCloseDuringListing(t *testing.T) {
	items := make([]string, 50)
	for i := range items {
		items[i] = pinA
	}
	c := serve(t, hanging(before(rawserver.Stream(items))))
	n := 0
	var last error
	for pin, err := range c.Allocations(t.Context(), api.AllType) {
		if last = err; pin != nil {
			n++
		}
		if n == 1 {
			_ = c.Close()
		}
	}
	if n == 0 || !errors.Is(last, ErrClosed) {
		t.Errorf("%d items, error %v", n, last)
	}
}

// U34: the client modified the caller's Config, so that it could not be used again with
// another Host.
func TestU34ConfigIsNotWrittenTo(t *testing.T) {
	cfg := config.Config{Host: "127.0.0.1", Headers: http.Header{"X-A": {"b"}}, Username: "u", Password: "p", FetchToken: true}
	before, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	copied := cfg
	c := newClient(t, &cfg)
	_ = calls[OpID](t.Context(), c)
	_, _, _ = c.IPFS(t.Context())
	after, err := json.Marshal(cfg)
	if err != nil || string(before) != string(after) || !reflect.DeepEqual(cfg, copied) {
		t.Errorf("%s became %s", before, after)
	}
	// Later changes of cfg do not change the client.
	cfg.Host = "elsewhere.test"
	cfg.Headers.Set("X-A", "changed")
	if got := c.Endpoint(); got != "http://127.0.0.1:9094" || c.header.Get("X-A") != "b" {
		t.Errorf("endpoint %s, header %v", got, c.header)
	}
}

// A Config that cannot work fails at once, with an error that lists all faults.
func TestNewDefaultClientErrors(t *testing.T) {
	for _, cfg := range []*config.Config{
		{URL: "ftp://h"},
		{Host: "h", Token: "t"}, // credentials in clear text
		{APIAddr: multiaddr.StringCast("/p2p/" + textPeer)},
		{MintTTL: -1, Weight: -1},
	} {
		c, err := NewDefaultClient(cfg)
		if err == nil || c != nil {
			t.Errorf("%v: %v, %v", cfg, c, err)
		}
	}
	if got := newClient(t, nil).Endpoint(); got != "/ip4/127.0.0.1/tcp/9094" {
		t.Errorf("default endpoint %s", got)
	}
}

// U10: https in a multiaddress was ignored, and credentials were sent in clear text.
// Now a server without TLS receives no part of the request.
func TestU10TLSOfTheAddress(t *testing.T) {
	for _, suffix := range []string{"/https", "/tls/http"} {
		s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
			t.Errorf("a request in clear text: %v", r.Header)
			return rawserver.JSON(200, version)
		})
		c := newClient(t, &config.Config{APIAddr: multiaddr.StringCast(s.Multiaddr() + suffix), Username: "alice", Password: "wonder"})
		if _, err := c.Version(t.Context()); err == nil {
			t.Error("no error")
		}
	}
}

// U44: for a Unix socket, the client looked for the IPFS proxy on a host named unix.
func TestU44IPFSProxy(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  config.Config
		want string
	}{
		"default": {config.Config{}, "http://127.0.0.1:9095"},
		"host":    {config.Config{Host: "h.test"}, "http://h.test:9095"},
		"socket":  {config.Config{APIAddr: multiaddr.StringCast("/unix/tmp/x.sock")}, "http://127.0.0.1:9095"},
		"named":   {config.Config{ProxyAddr: multiaddr.StringCast("/dns4/p.test/tcp/1/https")}, "https://p.test:1"},
	} {
		u, hc, err := newClient(t, &test.cfg).IPFS(t.Context())
		if err != nil || u.String() != test.want || hc == nil {
			t.Errorf("%s: %v, %v", name, u, err)
		}
	}
	// The proxy answers, and does not receive the credentials of the API.
	r := &recorder{answer: rawserver.JSON(200, `{"Version":"0.42"}`)}
	proxy := rawserver.New(t, r.handle)
	c := newClient(t, &config.Config{ProxyAddr: multiaddr.StringCast(proxy.Multiaddr()), Username: "alice", Password: "wonder"})
	u, hc, err := c.IPFS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, u.JoinPath("/api/v0/version").String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := hc.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != `{"Version":"0.42"}` {
		t.Errorf("%s, %v", body, err)
	}
	if got := r.requests()[0]; got.line != "POST /api/v0/version" || got.header.Get("Authorization") != "" {
		t.Errorf("%+v", got)
	}
}

// U46: a Host with a port, and an address without one, were accepted and failed with the
// first request. Now the former works, and the latter is rejected at once.
func TestU46HostWithPort(t *testing.T) {
	s := rawserver.New(t, func(*http.Request) rawserver.Answer { return rawserver.JSON(200, version) })
	if _, err := newClient(t, &config.Config{Host: s.Addr()}).Version(t.Context()); err != nil {
		t.Error(err)
	}
	for _, addr := range []string{"/ip4/127.0.0.1", "/dns4/h.test", "/ip4/127.0.0.1/udp/99"} {
		if c, err := NewDefaultClient(&config.Config{APIAddr: multiaddr.StringCast(addr)}); err == nil || c != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
