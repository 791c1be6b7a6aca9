package p2p

import (
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/gostream"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// Each Write, and each Read that returns data, costs a yamux frame, a TLS record, a
// system call and two goroutine switches. A small call must need only one frame in each
// direction, and no new stream.
func TestSmallCallIsOneFrameEachWay(t *testing.T) {
	h := newHost(t, WithListenAddrs(loopback))
	l, err := gostream.Listen(h, Protocol)
	if err != nil {
		t.Fatal(err)
	}
	frames := &frameCounter{Listener: l}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"version":"1.1.6"}`)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(frames)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	ep := transporttest.Open(t, &config.Config{APIAddr: address(h)})
	const calls = 20
	for range calls {
		resp, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if n := frames.streams.Load(); n != 1 {
		t.Errorf("%d streams for %d calls", n, calls)
	}
	if r, w := frames.reads.Load(), frames.writes.Load(); r != calls || w != calls {
		t.Errorf("%d frames came and %d went for %d calls, want one each way", r, w, calls)
	}
}

// frameCounter counts the server's reads with data and its writes on its streams.
type frameCounter struct {
	net.Listener
	streams, reads, writes atomic.Int64
}

func (l *frameCounter) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.streams.Add(1)
	return &countedConn{c, l}, nil
}

type countedConn struct {
	net.Conn
	frames *frameCounter
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && len(p) > 1 { // skips the 1-byte read with which a server detects a disconnect
		c.frames.reads.Add(1)
	}
	return n, err
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.frames.writes.Add(1)
	return c.Conn.Write(p)
}
