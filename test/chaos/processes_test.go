//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

// startCluster starts three peers for a test.
func startCluster(t *testing.T) *processes {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds a program and starts processes")
	}
	c, err := startProcesses(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestStorm runs the whole command for some seconds.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program and starts processes")
	}
	var out strings.Builder
	kept, err := run(t.Context(), []string{"-duration", "6s", "-rate", "40", "-seed", "3"}, &out, io.Discard)
	if err != nil || !kept {
		t.Errorf("kept %v, error %v\n%s", kept, err, &out)
	}
	for _, want := range []string{"kill", "add a stream", "all promises were kept"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// TestInterrupted checks that an interrupt ends the processes and is an error.
func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program and starts processes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := run(ctx, []string{"-duration", "1h"}, io.Discard, io.Discard); err == nil {
		t.Error("no error")
	}
}

// TestCheckFindsFaults checks that the checks at the end fail if a promise was
// broken.
func TestCheckFindsFaults(t *testing.T) {
	c := startCluster(t)
	s := &settings{settle: 300 * time.Millisecond, deadline: 20 * time.Second, strategies: []string{"failover"}, seed: 1}
	peers, err := openEach(c)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(peers)
	l, err := newLoad(s, c, newRecord())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	one := l.newCaller()
	for range 8 { // until at least one item may be unpinned
		if err := one.add(t.Context()); err != nil {
			t.Fatal(err)
		}
		one.number++
	}
	if err := one.unpin(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := func() string {
		l.record = newRecord()
		newCheck(l, peers).run(t.Context())
		var kinds []string
		for kind, v := range l.record.broken {
			kinds = append(kinds, fmt.Sprintf("%s: %s", kind, v.sample))
		}
		return strings.Join(kinds, "\n")
	}
	if got := broken(); got != "" {
		t.Errorf("nothing is wrong, but: %s", got)
	}

	kept, gone := l.ledger.keptNow()[0], l.ledger.promises(unpinned)[0].root
	if _, err := peers[0].Pin(t.Context(), gone, api.PinOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := broken(); !strings.Contains(got, "was unpinned, but is in the pinset") {
		t.Errorf("an unpinned item is back: %s", got)
	}
	l.ledger.items[kept].file.size++
	if got := broken(); !strings.Contains(got, "bytes that differ") {
		t.Errorf("other bytes: %s", got)
	}
	if _, err := peers[0].Unpin(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if got := broken(); !strings.Contains(got, "is not in the pinset") || !strings.Contains(got, "is unpinned at peer") {
		t.Errorf("an item is gone: %s", got)
	}
	if err := l.cleanUp(t.Context(), peers); err != nil {
		t.Error(err)
	}
	for pin, err := range peers[0].Allocations(t.Context(), api.AllType) {
		t.Errorf("left after the clean-up: %v, error %v", pin, err)
	}
}

// TestCommands runs the command against an existing cluster, whose processes are
// paused by commands.
func TestCommands(t *testing.T) {
	c := startCluster(t)
	dir := t.TempDir()
	var peers, proxies []string
	for i, cfg := range c.configs() {
		pid := strconv.Itoa(c.front(i).cmd.Process.Pid)
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), []byte(pid), 0o600); err != nil {
			t.Fatal(err)
		}
		peers, proxies = append(peers, cfg.APIAddr.String()), append(proxies, cfg.ProxyAddr.String())
	}
	signal := func(name string) string { return fmt.Sprintf(`kill -%s "$(cat '%s/{i}')"`, name, dir) }
	var out strings.Builder
	kept, err := run(t.Context(), []string{
		"-peers", strings.Join(peers, ","), "-ipfs", strings.Join(proxies, ","), "-duration", "5s",
		"-pause", signal("STOP"), "-resume", signal("CONT"),
	}, &out, io.Discard)
	if err != nil || !kept || !strings.Contains(out.String(), "pause") {
		t.Errorf("kept %v, error %v\n%s", kept, err, &out)
	}
}

// TestCommandErrors checks that the error of a command has the end of its output.
func TestCommandErrors(t *testing.T) {
	c := &commands{settings: &settings{commands: map[string]string{
		"stop": "echo peer {i} is not there >&2; exit 3", "start": "true",
	}}}
	if err := c.inflict(t.Context(), stop, 5); err == nil || !strings.Contains(err.Error(), "-stop for peer 5: exit status 3: peer 5 is not there") {
		t.Errorf("error %v", err)
	}
	if err := c.repair(t.Context(), stop, 5); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.repair(ctx, stop, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// TestRepeatedAddStaysPinned: a paused peer executed the first attempt of an add when
// it continued, after the item had been added at another peer and unpinned. It was
// reported as a broken promise.
func TestRepeatedAddStaysPinned(t *testing.T) {
	c := startCluster(t)
	if err := c.inflict(t.Context(), kill, 0); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(12) {
		s := &settings{deadline: 20 * time.Second, retries: 3, strategies: []string{"failover"}, seed: seed}
		l, err := newLoad(s, c, newRecord())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.newCaller().add(t.Context()); err != nil {
			t.Error(err)
		}
		if root, ok := l.ledger.take(); ok {
			t.Errorf("seed %d: %s, which was sent twice, may be unpinned", seed, root)
		}
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}
}
