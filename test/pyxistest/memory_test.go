package pyxistest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"golang.org/x/net/nettest"
)

func memoryPipe() (client, server net.Conn, stop func(), err error) { return memoryConns(false) }

func memoryConns(nagle bool) (client, server net.Conn, stop func(), err error) {
	l := newMemoryListener("memory:1", nagle)
	accepted := make(chan net.Conn)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	client, err = l.dial(context.Background())
	server = <-accepted
	return client, server, func() { _ = client.Close(); _ = server.Close(); _ = l.Close() }, err
}

func TestMemoryConn(t *testing.T) {
	for _, nagle := range []bool{false, true} {
		t.Run(fmt.Sprintf("nagle %v", nagle), func(t *testing.T) {
			nettest.TestConn(t, func() (client, server net.Conn, stop func(), err error) { return memoryConns(nagle) })
		})
	}
}

func TestMemoryConnIsBuffered(t *testing.T) {
	client, server, stop, err := memoryPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if n, err := client.Write(make([]byte, socketBuffer)); n != socketBuffer || err != nil {
		t.Fatalf("wrote %d, %v without a reader", n, err)
	}
	_ = client.Close()
	if got, err := io.ReadAll(server); len(got) != socketBuffer || err != nil {
		t.Errorf("read %d, %v after the close", len(got), err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write to a closed connection: %v", err)
	}
}

func TestMemoryConnHalfClose(t *testing.T) {
	client, server, stop, err := memoryPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := server.(*memoryConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read: %v", err)
	}
	go func() { _, _ = client.Write([]byte("x")) }()
	if n, err := server.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("the other direction: %d, %v", n, err)
	}
	if _, err := server.Write([]byte("x")); err == nil {
		t.Error("wrote after CloseWrite")
	}
}
