package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// When the host of a peer was gone, the error blamed HeaderTimeout long before it
// had expired, because the system's own connection timeout is a timeout error, too.
func TestConnectionTimeoutIsNoHeaderTimeout(t *testing.T) {
	ep := dialledBy(t, &config.Config{HeaderTimeout: time.Hour}, goneDialer{})
	defer ep.Close()
	err := readAll(do(t, t.Context(), ep, http.MethodGet, nil))
	if !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("error is %v, want the connection's", err)
	}
}

// goneDialer dials a host that is gone. The first Read after a write fails with
// the system's timeout.
type goneDialer struct{}

func (goneDialer) DialContext(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }() // ends when ours is closed
	return goneConn{Conn: ours, wrote: make(chan struct{}, 1)}, nil
}

func (goneDialer) Close() error { return nil }

type goneConn struct {
	net.Conn
	wrote chan struct{}
}

func (c goneConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	select {
	case c.wrote <- struct{}{}:
	default:
	}
	return n, err
}

func (c goneConn) Read([]byte) (int, error) {
	<-c.wrote
	return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
}
