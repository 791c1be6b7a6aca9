// Command discovery shows a load balancer that follows a registry.
//
//	go run ./examples/discovery
//
// It starts a pyxis service of three nodes and a cluster of five peers in this
// process. Each peer announces itself. While files are added and read, peers
// join, leave and crash, and the service changes its leader. No call fails. The
// last line of the output is "ok".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "discovery:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer) (err error) {
	f, err := startFleet()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	s, err := follow(ctx, f, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.run(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, "ok")
	return err
}
