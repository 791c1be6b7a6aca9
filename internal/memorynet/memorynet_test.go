package memorynet

import (
	"context"
	"errors"
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
