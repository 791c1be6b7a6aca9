package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// forward forwards connections to port to the address to, until ctx is done. It
// does not interpret their bytes, so that it changes nothing about the API.
func forward(ctx context.Context, port int, to string, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	defer listener.Close()
	if _, err := fmt.Fprintf(stdout, "/ip4/127.0.0.1/tcp/%d\nready\n", port); err != nil {
		return err
	}
	var connections sync.WaitGroup
	defer connections.Wait()
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err != nil:
			return err
		}
		connections.Go(func() { relay(ctx, conn.(*net.TCPConn), to) })
	}
}

// relay copies the bytes of both directions of a connection until both have ended,
// one has failed, or ctx is done.
func relay(ctx context.Context, client *net.TCPConn, to string) {
	defer client.Close()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	closeBoth := func() { client.Close(); server.Close() }
	defer context.AfterFunc(ctx, closeBoth)()
	var directions sync.WaitGroup
	for _, d := range []struct{ from, to *net.TCPConn }{{client, server}, {server, client}} {
		directions.Go(func() {
			if _, err := io.Copy(d.to, d.from); err != nil || d.to.CloseWrite() != nil {
				closeBoth()
			}
		})
	}
	directions.Wait()
}
