// Pinfleet is a command that operates an IPFS Cluster:
//
//	go install github.com/pinfleet/pinfleet/cmd/pinfleet@latest
//	pinfleet --cluster /ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094 peers ls
//
// The page docs/cli.md describes its commands.
package main

//go:generate go test ./internal/cli -run TestReference -update

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/cli"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

func main() {
	// Without this, a write to a closed pipe would end the process by a signal.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(cli.Run(interruptible(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv))
}

// interruptible returns a context that the first interrupt cancels. The second one
// ends the process.
func interruptible() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(exitcode.ErrInterrupted)
		<-signals
		os.Exit(exitcode.Interrupted)
	}()
	return ctx
}
