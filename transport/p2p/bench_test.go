package p2p

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// bulk is the size of the bodies in BenchmarkUpload and BenchmarkDownload.
const bulk = 64 << 20

// BenchmarkVersion measures the smallest call over an open connection.
func BenchmarkVersion(b *testing.B) {
	benchBoth(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"version":"1.1.6"}`+"\n")
	}, func(b *testing.B, addr multiaddr.Multiaddr) {
		c, err := client.NewDefaultClient(&config.Config{APIAddr: addr})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Version(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Version(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkUpload measures the transfer of an add.
func BenchmarkUpload(b *testing.B) {
	benchBoth(b, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}, func(b *testing.B, addr multiaddr.Multiaddr) {
		benchTransfer(b, addr, http.MethodPost)
	})
}

// BenchmarkDownload measures the transfer of a listing.
func BenchmarkDownload(b *testing.B) {
	benchBoth(b, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(zeros{}, bulk))
	}, func(b *testing.B, addr multiaddr.Multiaddr) {
		benchTransfer(b, addr, http.MethodGet)
	})
}

func benchTransfer(b *testing.B, addr multiaddr.Multiaddr, method string) {
	ep, err := transport.Open(&config.Config{APIAddr: addr})
	if err != nil {
		b.Fatal(err)
	}
	defer ep.Close()
	b.ReportAllocs()
	b.SetBytes(bulk)
	for b.Loop() {
		var body io.Reader
		if method == http.MethodPost {
			body = io.LimitReader(zeros{}, bulk)
		}
		req, err := http.NewRequestWithContext(b.Context(), method, ep.BaseURL.JoinPath("x").String(), body)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := ep.RoundTripper.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || method == http.MethodGet && n != bulk {
			b.Fatalf("%d bytes, %v", n, err)
		}
	}
}

// BenchmarkEcho measures the part of a call that no client can avoid: 200 bytes in each
// direction, without HTTP, over TCP and over a stream between two hosts.
func BenchmarkEcho(b *testing.B) {
	tcp, addr, streams := benchListeners(b)
	for _, l := range []net.Listener{tcp, streams} {
		go echo(l)
	}
	b.Run("tcp", func(b *testing.B) {
		c, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		benchEcho(b, c)
	})
	b.Run("stream", func(b *testing.B) {
		info, err := peer.AddrInfoFromP2pAddr(addr)
		if err != nil {
			b.Fatal(err)
		}
		h := newHost(b)
		if err := h.Connect(b.Context(), *info); err != nil {
			b.Fatal(err)
		}
		c, err := gostream.Dial(b.Context(), h, info.ID, Protocol)
		if err != nil {
			b.Fatal(err)
		}
		benchEcho(b, c)
	})
}

func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		}()
	}
}

func benchEcho(b *testing.B, c net.Conn) {
	defer c.Close()
	out, in := make([]byte, 200), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(out); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, in); err != nil {
			b.Fatal(err)
		}
	}
}

// benchBoth runs a benchmark against one handler over HTTP and over libp2p.
func benchBoth(b *testing.B, handler http.HandlerFunc, run func(*testing.B, multiaddr.Multiaddr)) {
	tcp, overLibp2p, streams := benchListeners(b)
	server := &http.Server{Handler: handler}
	b.Cleanup(func() { server.Close() })
	for _, l := range []net.Listener{tcp, streams} {
		go func() { _ = server.Serve(l) }()
	}
	_, port, err := net.SplitHostPort(tcp.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("http", func(b *testing.B) { run(b, multiaddr.StringCast("/ip4/127.0.0.1/tcp/"+port)) })
	b.Run("p2p", func(b *testing.B) { run(b, overLibp2p) })
}

// benchListeners listens on TCP and on a libp2p host. The host uses go-libp2p's default
// yamux, TLS and Noise, as clusters do.
func benchListeners(b *testing.B) (tcp net.Listener, addr multiaddr.Multiaddr, streams net.Listener) {
	b.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	h := newHost(b, WithListenAddrs(loopback))
	streams, err = gostream.Listen(h, Protocol)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		tcp.Close()
		streams.Close()
	})
	return tcp, address(h), streams
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
