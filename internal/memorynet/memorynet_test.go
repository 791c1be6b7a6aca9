package memorynet

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen("here")
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Connect(ctx, theirs); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("connected without Accept: %v", err)
		}
		connected := make(chan error, 1)
		go func() { connected <- l.Connect(t.Context(), theirs) }()
		if got, err := l.Accept(); got != theirs || err != nil {
			t.Errorf("accepted %v, %v", got, err)
		}
		if err := <-connected; err != nil {
			t.Error(err)
		}
	})
}

func TestDial(t *testing.T) {
	l := Listen("here")
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = conn.Write([]byte("hello"))
			_ = conn.Close()
		}
	}()
	conn, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, err := io.ReadAll(conn); string(text) != "hello" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	_ = l.Close()
	if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial after Close: %v", err)
	}
}

func TestClose(t *testing.T) {
	l := Listen("here")
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	err := l.Connect(t.Context(), nil)
	if !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != "dial memory here: connection refused" {
		t.Errorf("connect: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}
