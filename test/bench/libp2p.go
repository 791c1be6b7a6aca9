package main

import (
	"context"
	"io"
	"net/http"

	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/transport/p2p"
)

// overLibp2p compares a call over both transports of one peer of an in-process
// cluster. It repeats the comparison with a server that does nothing. There the
// difference is largest, because it comes from the transports alone.
func overLibp2p(ctx context.Context, r *report) error {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 1, Listen: clustertest.HTTP | clustertest.Libp2p})
	if err != nil {
		return err
	}
	defer cluster.Close()
	bare, err := serveBoth(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"version":"1.1.6"}`)
	}))
	if err != nil {
		return err
	}
	defer bare.close()
	var contenders []contender
	for _, e := range []struct {
		name string
		addr multiaddr.Multiaddr
	}{
		{"ours", cluster.Peer(0).AddrOf(clustertest.Libp2p)},
		{"http", cluster.Peer(0).AddrOf(clustertest.HTTP)},
		{"bare_p2p", bare.libp2p},
		{"bare_http", bare.http},
	} {
		c, err := client.NewDefaultClient(&config.Config{APIAddr: e.addr})
		if err != nil {
			return err
		}
		defer c.Close()
		contenders = append(contenders, contender{e.name, func(ctx context.Context) error {
			return times(calls, func() error { _, err := c.Version(ctx); return err })
		}})
	}
	r.often = often
	r.work(calls, "a call")
	standings, err := r.race(ctx, contenders...)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_http"] = r.each(standings[0]) / r.each(standings[1])
	r.values["bare_vs_http"] = r.each(standings[2]) / r.each(standings[3])
	r.note("%.2f times as long at a server that does nothing", r.values["bare_vs_http"])
	return nil
}

// both is a server with an HTTP and a libp2p address.
type both struct {
	http, libp2p multiaddr.Multiaddr
	close        func()
}

func serveBoth(handler http.Handler) (*both, error) {
	s, err := serve(handler)
	if err != nil {
		return nil, err
	}
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	h, err := p2p.NewHost(p2p.WithListenAddrs(multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")))
	if err != nil {
		return nil, err
	}
	l, err := gostream.Listen(h, p2p.Protocol)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	id := multiaddr.StringCast("/p2p/" + h.ID().String())
	return &both{http: cfg.APIAddr, libp2p: h.Network().ListenAddresses()[0].Encapsulate(id), close: func() {
		server.Close()
		h.Close()
		s.close()
	}}, nil
}
