package clustertest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the daemon's HTTP server.
const (
	maxHeaderBytes    = 4096
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 120 * time.Second
)

// server serves a running peer's endpoints.
type server struct {
	http   *http.Server
	cancel context.CancelFunc
	conns  *connTracker
	loops  sync.WaitGroup // accept loops, one per listener
	active sync.WaitGroup // open connections
	// hijacking counts handlers that may still run after they have hijacked their
	// connection.
	hijacking sync.WaitGroup
	close     []func() error
}

// serverKey is the context key of a request's *server.
type serverKey struct{}

// startServer starts a server on all of the peer's endpoints.
func startServer(p *Peer) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{cancel: cancel, conns: newConnTracker(&p.log)}
	s.http = &http.Server{
		Handler:           p.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return context.WithValue(ctx, serverKey{}, s) },
		ConnState:         s.connState,
		ErrorLog:          slog.NewLogLogger(p.c.opts.Logger.Handler(), slog.LevelDebug),
	}
	for _, e := range p.endpoints {
		l, closer, err := e.listen()
		if err != nil {
			s.stop()
			return nil, fmt.Errorf("peer %d listens on %s: %w", p.index, e.addr, err)
		}
		s.close = append(s.close, closer)
		s.serve(e.secure(s.conns.wrap(l)))
	}
	return s, nil
}

func (s *server) serve(l net.Listener) {
	s.loops.Go(func() {
		// Serve returns when stop closes the listener.
		_ = s.http.Serve(l)
	})
}

func (s *server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.active.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.active.Done()
	}
}

// stop cuts all connections, closes the listeners and waits for the handlers.
func (s *server) stop() {
	s.cancel()
	s.conns.cut()
	_ = s.http.Close()
	s.loops.Wait()
	s.active.Wait()
	s.hijacking.Wait()
	for _, closer := range s.close {
		_ = closer()
	}
}
