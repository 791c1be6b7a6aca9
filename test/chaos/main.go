//go:build unix

// Command chaos tests the load balancer under a real load while the peers of a
// cluster are killed, stopped, paused and started again:
//
//	go run ./test/chaos [-duration 1m] [-rate 50] [-seed N] [-strategy NAME]
//
// By default it starts its own cluster: the processes of test/devcluster, one for
// each peer and one for their common state. What is killed or paused is the process
// that serves the peer's API. At least one peer is up at any time, unless
// -allow-outage is set.
//
// With -peers, it uses an existing cluster, and runs the given commands to harm and
// repair its peers. A shell runs each command, with {i} replaced by the number of
// the peer, counted from 0:
//
//	go run ./test/chaos -peers /ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094 \
//		-stop 'ssh node{i} systemctl stop ipfs-cluster' \
//		-start 'ssh node{i} systemctl start ipfs-cluster' \
//		-ipfs /ip4/10.0.0.1/tcp/9095,/ip4/10.0.0.2/tcp/9095
//
// Credentials and other settings come from the environment, as
// [config.FromEnv] describes. Content that the load has added is unpinned at the
// end.
//
// At the end, the command checks what was promised: no call has failed; every add
// that succeeded is pinned at every peer and can be read back with the same bytes;
// what was unpinned is not pinned; no listing had duplicates or gaps; no call took
// longer than its deadline; no goroutine and no descriptor has leaked. It prints a
// report. The exit status is 1 if a promise was broken, and 2 if the test could not
// be run.
//
// The client promises what the peer that answered a call has confirmed. With CRDT
// consensus, a peer of an existing cluster can be stopped while it reads the updates
// of the others, and miss one of them for good. What such a cluster has not passed on
// to all peers is reported apart, and does not count as a broken promise.
//
// The other scenario, -scenario stopped-first, pauses the first of three peers and
// measures how long calls take with Failover and default options.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	kept, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintf(os.Stderr, "chaos: %v\n", err)
		os.Exit(2)
	case !kept:
		os.Exit(1)
	}
}

// run runs the command. It reports whether all promises were kept.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (kept bool, err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return false, err
	}
	before, err := takeStock()
	if err != nil {
		return false, err
	}
	r := newRecord()
	scenario := storm
	if s.scenario == stoppedFirst {
		scenario = pauseFirst
	}
	if err := withCluster(ctx, s, func(c cluster) error { return scenario(ctx, s, c, r) }); err != nil {
		return false, err
	}
	if err := context.Cause(ctx); err != nil {
		return false, errors.New("interrupted")
	}
	before.compare(r)
	return r.print(stdout, s)
}

// withCluster calls do with the cluster that the settings describe.
func withCluster(ctx context.Context, s *settings, do func(cluster) error) (err error) {
	var c cluster
	if s.peers == nil {
		c, err = startProcesses(ctx, s.count)
	} else {
		c = &commands{settings: s}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return do(c)
}
