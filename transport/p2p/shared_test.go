package p2p

import (
	"net/http"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

func checkHosts(t *testing.T, want int) {
	t.Helper()
	hosts.mu.Lock()
	defer hosts.mu.Unlock()
	if len(hosts.hosts) != want {
		t.Errorf("%d shared hosts, want %d", len(hosts.hosts), want)
	}
}

// U33: upstream had no Close, and its host lived as long as the process. Here the host
// lives as long as its last endpoint, and a connection as long as the last endpoint
// that uses it.
func TestHostIsShared(t *testing.T) {
	a := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	b := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	ep1, ep2, ep3 := transporttest.Open(t, a.Config), transporttest.Open(t, a.Config), transporttest.Open(t, b.Config)
	if err := id(t, ep1); err != nil {
		t.Fatal(err)
	}
	if err := id(t, ep2); err != nil {
		t.Fatal(err)
	}
	if err := id(t, ep3); err != nil {
		t.Fatal(err)
	}
	checkHosts(t, 1)
	hosts.mu.Lock()
	h := hosts.hosts[hostKey{}]
	hosts.mu.Unlock()
	peers := func() int { return len(h.Network().Peers()) }
	if n := peers(); n != 2 {
		t.Errorf("%d connected peers, want 2", n)
	}
	ep1.Close()
	if n := peers(); n != 2 {
		t.Errorf("%d connected peers, want 2: another endpoint uses the first", n)
	}
	if err := id(t, ep2); err != nil {
		t.Error(err)
	}
	ep2.Close()
	if n := peers(); n != 1 {
		t.Errorf("%d connected peers, want 1", n)
	}
	ep3.Close()
	ep3.Close()
	checkHosts(t, 0)
	if err := id(t, transporttest.Open(t, a.Config)); err != nil {
		t.Errorf("a new host: %v", err)
	}
}

func TestHostsAreNotSharedAcrossNetworksAndResolvers(t *testing.T) {
	_, resolver := transporttest.NewDNS(t)
	s := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	for i, cfg := range []*config.Config{{}, {ProtectorKey: make([]byte, 32)}, {Resolver: resolver}} {
		cfg.APIAddr = s.Config.APIAddr
		transporttest.Open(t, cfg)
		transporttest.Open(t, cfg)
		checkHosts(t, i+1)
	}
}

// One connection serves all requests, even if the server closes the stream after each,
// as clusters do after an add.
func TestConnectionOutlivesStreams(t *testing.T) {
	h := newHost(t, WithListenAddrs(loopback))
	s := serve(t, h, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	connects := 0
	h.Network().Notify(&network.NotifyBundle{ConnectedF: func(network.Network, network.Conn) { connects++ }})
	ep := transporttest.Open(t, &config.Config{APIAddr: address(h)})
	for range 3 {
		if err := id(t, ep); err != nil {
			t.Fatal(err)
		}
	}
	if s.Accepts() != 3 || connects != 1 {
		t.Errorf("%d streams on %d connections, want 3 on 1", s.Accepts(), connects)
	}
}

// The Config's Libp2pHost is never closed, and neither are its connections.
func TestOwnHostIsLeftOpen(t *testing.T) {
	s := startOn("/ip4/127.0.0.1/tcp/0")(t, http.HandlerFunc(nothing))
	h := newHost(t)
	s.Config.Libp2pHost = h
	for range 2 {
		ep := transporttest.Open(t, s.Config)
		if err := id(t, ep); err != nil {
			t.Fatal(err)
		}
		ep.Close()
		if n := len(h.Network().Conns()); n != 1 {
			t.Errorf("%d connections after Close, want 1", n)
		}
	}
	checkHosts(t, 0)
	deadline := time.Now().Add(10 * time.Second)
	for len(h.Network().Conns()[0].GetStreams()) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("streams stay open")
		}
		<-time.After(time.Millisecond)
	}
}
