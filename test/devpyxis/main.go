// Devpyxis serves a pyxis coordination service on 127.0.0.1, for clients in any
// language:
//
//	go run ./test/devpyxis -nodes 3 -port 7001
//
// It prints the address of each node, one per line, and then "ready". The first
// node leads. It serves until it is interrupted. Then everything that was
// stored is lost.
//
// While it serves, it takes commands on standard input, one per line. N is the
// number of a node, counted from 0 in the order of the addresses:
//
//	move N   make node N the leader, in an orderly change
//	stop N   stop node N, as a crash does; if it leads, the others elect a leader
//	start N  start node N again, at the same address
//	cut N    close the connections of node N, which accepts new ones
//	help     list the commands
//
// It answers each command with a line on standard output: "ok" when the effect
// has taken place, or "error: " and the reason. It goes on serving after the end
// of standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "devpyxis:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. A goroutine reads stdin until it ends, which may
// be later.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	opts, err := parse(args, stderr)
	if err != nil {
		return err
	}
	cluster, err := pyxistest.Start(opts)
	if err != nil {
		return err
	}
	for _, addr := range cluster.Addrs() {
		fmt.Fprintln(stdout, addr)
	}
	fmt.Fprintln(stdout, "ready")
	go serveCommands(cluster, stdin, stdout)
	<-ctx.Done()
	return cluster.Close()
}

// parse parses the flags. The help text goes to stderr.
func parse(args []string, stderr io.Writer) (pyxistest.Options, error) {
	var opts pyxistest.Options
	var usage strings.Builder
	flags := flag.NewFlagSet("devpyxis", flag.ContinueOnError)
	flags.SetOutput(&usage)
	flags.Usage = func() {
		fmt.Fprintln(&usage, "devpyxis serves a pyxis service. While it serves, write help on standard input for a list of commands.")
		flags.PrintDefaults()
	}
	flags.IntVar(&opts.Nodes, "nodes", 1, "`number` of nodes, 1 to 64")
	flags.IntVar(&opts.BasePort, "port", 7001, "TCP `port` of the first node; each other one has the port after")
	flags.DurationVar(&opts.MinTimeout, "min-timeout", 0, "shortest session timeout (default 5s)")
	flags.DurationVar(&opts.MaxTimeout, "max-timeout", 0, "longest session timeout (default 2m)")
	flags.DurationVar(&opts.Tick, "tick", 0, "how often sessions are looked after (default 1s)")
	flags.BoolVar(&opts.Nagle, "nagle", false, "hold small answers back, as the real server does")
	flags.DurationVar(&opts.CommitDelay, "commit-delay", 0, "how long a write takes; reads overtake it (default 0s)")
	flags.DurationVar(&opts.Failover, "failover", 0, "how long an election takes (default 2s)")
	verbose := flags.Bool("v", false, "log sessions, leaders and bad frames")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, usage.String())
		return opts, err
	case err != nil:
		return opts, fmt.Errorf("%w: -help lists the flags", err)
	case flags.NArg() > 0:
		return opts, fmt.Errorf("unexpected argument %q: -help lists the flags", flags.Arg(0))
	case opts.Nodes < 1:
		return opts, fmt.Errorf("-nodes %d: use 1 to 64", opts.Nodes)
	case opts.BasePort < 1 || opts.BasePort > 65535:
		return opts, fmt.Errorf("-port %d: use 1 to 65535", opts.BasePort)
	}
	if *verbose {
		opts.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return opts, nil
}
