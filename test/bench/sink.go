package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// sink is a server that does as little as possible, so that the clients are
// measured.
type sink struct {
	listener net.Listener
	url      string
	close    func()
}

// serve starts an HTTP server on loopback.
func serve(handler http.Handler) (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: handler}
	go server.Serve(l)
	return &sink{listener: l, url: "http://" + l.Addr().String(), close: func() { server.Close() }}, nil
}

// config returns the configuration of a client of the sink.
func (s *sink) config() (*config.Config, error) {
	port := s.listener.Addr().(*net.TCPAddr).Port
	addr, err := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
	return &config.Config{APIAddr: addr}, err
}

// client returns our client of the sink.
func (s *sink) client() (client.Client, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	return client.NewDefaultClient(cfg)
}

// piece is the size of a sink's writes, in bytes.
const piece = 32 << 10

// streaming answers with body repeated, in the form of a cluster peer's listings.
func streaming(body []byte, times int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the client reports failures
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Trailer", "X-Stream-Error")
		for range times {
			for p := range slices.Chunk(body, piece) {
				if _, err := w.Write(p); err != nil {
					return
				}
			}
		}
		w.Header().Set("X-Stream-Error", "")
	}
}

// serveRaw starts a server that answers each request without a body with the
// same bytes.
func serveRaw(document []byte) (*sink, error) {
	return serveBytes(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(document), document), "\r\n\r\n", true)
}

// serveRawAdds starts a server that answers each chunked upload with the report,
// and closes the connection as a peer does.
func serveRawAdds(report []byte) (*sink, error) {
	return serveBytes(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nTrailer: X-Stream-Error\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(report), report), "\r\n0\r\n\r\n", false)
}

// serveBytes starts a server that sends answer for each request, which ends with
// end. It allocates nothing but connections, so that all allocations are the
// client's.
func serveBytes(answer []byte, end string, keepAlive bool) (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var conns []net.Conn
	buf := make([]byte, 16<<10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if !keepAlive {
				answerAll(conn, buf, answer, end, false)
				conn.Close()
				continue
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go answerAll(conn, make([]byte, len(buf)), answer, end, true)
		}
	}()
	return &sink{listener: l, url: "http://" + l.Addr().String(), close: func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	}}, nil
}

// answerAll answers the requests of a connection until it ends, or only the first
// one.
func answerAll(conn net.Conn, buf, answer []byte, end string, keepAlive bool) {
	for have := 0; ; {
		n, err := conn.Read(buf[have:])
		if err != nil {
			return
		}
		have += n
		if have < len(end) || string(buf[have-len(end):have]) != end {
			continue
		}
		have = 0
		if _, err := conn.Write(answer); err != nil || !keepAlive {
			return
		}
	}
}

// drain reads the answer at url to its end and returns its length.
func drain(ctx context.Context, c *http.Client, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, errors.New(resp.Status)
	}
	return io.Copy(io.Discard, resp.Body)
}
