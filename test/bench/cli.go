package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// cli starts the command and waits for its first output.
func cli(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "pinfleet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	command, err := build(ctx, dir, "./cmd/pinfleet")
	if err != nil {
		return err
	}
	smallest, err := build(ctx, dir, "./test/bench/testdata/smallest")
	if err != nil {
		return err
	}
	cluster, err := clustertest.Start(clustertest.Options{Peers: 1})
	if err != nil {
		return err
	}
	defer cluster.Close()
	env := []string{"HOME=" + dir, "PINFLEET_API=" + cluster.Peer(0).Addr().String()}
	r.often = 3
	r.work(1, "a start")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return firstOutput(ctx, env, command, "id") }},
		contender{"floor", func(ctx context.Context) error { return firstOutput(ctx, env, smallest) }},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["start_ms"] = (r.each(standings[0]) - r.each(standings[1])) / 1e3
	return nil
}

// firstOutput starts a program and waits until it has printed something.
func firstOutput(ctx context.Context, env []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = out.Read(make([]byte, 1))
	_ = cmd.Process.Kill() // what it does after its first output is not measured
	ended := cmd.Wait()
	if err != nil {
		return fmt.Errorf("no output: %w", errors.Join(err, ended))
	}
	return nil
}
