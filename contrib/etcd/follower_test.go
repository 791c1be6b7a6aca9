package etcd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/internal/sleep"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// followVariable makes the test binary follow a prefix instead of running tests. It
// holds the prefix and the address of etcd, separated by a space.
const followVariable = "PINFLEET_ETCD_FOLLOW"

// The requests for a report. That of measure calls every endpoint first.
const (
	look    = "look"
	measure = "measure"
)

// report is what a follower says about itself.
type report struct {
	Endpoints     []string
	Calls, Failed int
	Error         string // of the first call that failed

	// Of measure only.
	Goroutines  int
	Descriptors int // 0 if the system does not list them
	Heap        uint64
}

func (r report) String() string {
	return fmt.Sprintf("%d endpoints, %d calls, %d failed, %d goroutines, %d descriptors, a heap of %.1f MiB",
		len(r.Endpoints), r.Calls, r.Failed, r.Goroutines, r.Descriptors, float64(r.Heap)/(1<<20))
}

// balancer is the load balancer of a follower, and the calls that are made with it.
type balancer struct {
	lb *lbclient.Client

	mu  sync.Mutex // held during a call, and while a report is made
	now report
}

// follow balances calls over the endpoints that are announced below a prefix. It
// answers each line of in with a report, until in ends.
func follow(where string, in io.Reader, out io.Writer) error {
	prefix, addr, _ := strings.Cut(where, " ")
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{addr}, DialTimeout: 30 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	lb, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, &etcd.Source{Client: c, Prefix: prefix}, 2)
	if err != nil {
		return err
	}
	defer lb.Close()
	b := &balancer{lb: lb}
	life, end := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	calls.Go(func() {
		for sleep.For(life, 20*time.Millisecond) { // a pace, to leave time for other tests
			b.mu.Lock()
			b.call()
			b.mu.Unlock()
		}
	})
	defer calls.Wait()
	defer end()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := json.NewEncoder(out).Encode(b.report(lines.Text())); err != nil {
			return err
		}
	}
	return nil
}

func (b *balancer) call() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	b.now.Calls++
	if _, err := b.lb.Version(ctx); err != nil {
		b.now.Failed++
		if b.now.Error == "" {
			b.now.Error = err.Error()
		}
	}
}

func (b *balancer) report(request string) report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.now
	if request == measure {
		b.callAll()
		runtime.GC()
		runtime.GC() // the first moves what pools hold, the second frees it
		r = b.now
		r.Goroutines, r.Descriptors = runtime.NumGoroutine(), descriptors()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		r.Heap = memory.HeapAlloc
	}
	for _, e := range b.lb.Endpoints() {
		r.Endpoints = append(r.Endpoints, e.Endpoint)
	}
	return r
}

// callAll makes calls until each endpoint has had one, so that it has a connection.
func (b *balancer) callAll() {
	for range 20 * churned {
		if !slices.ContainsFunc(b.lb.Endpoints(), func(e lbclient.EndpointInfo) bool { return e.Attempts == 0 }) {
			return
		}
		for range churned / 10 {
			b.call()
		}
	}
}

func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd") // only on Linux
	return len(entries)
}

// follower is a process of its own that follows a prefix.
type follower struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startFollower(t *testing.T, m *members, prefix string) *follower {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	// The address of one member, so that the client of etcd has one connection.
	cmd.Env = append(os.Environ(), followVariable+"="+prefix+" "+m.doors[0].addr)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	f := &follower{cmd: cmd, in: in, out: json.NewDecoder(out)}
	t.Cleanup(func() { _, _ = f.in.Close(), f.cmd.Wait() })
	return f
}

func (f *follower) ask(t *testing.T, request string) report {
	t.Helper()
	_, err := fmt.Fprintln(f.in, request)
	must(t, err)
	var r report
	must(t, f.out.Decode(&r))
	return r
}

// await waits until the follower's endpoints are these.
func (f *follower) await(t *testing.T, want []string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; sleep.For(t.Context(), 100*time.Millisecond) { // of another process
		r := f.ask(t, look)
		if slices.Equal(r.Endpoints, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the endpoints are %q, want %q", r.Endpoints, want)
		}
	}
}

// settled returns a report with the goroutines of the report before it: connections
// that the follower closes may be there for another moment.
func (f *follower) settled(t *testing.T) report {
	t.Helper()
	before := f.ask(t, measure)
	for deadline := time.Now().Add(time.Minute); ; sleep.For(t.Context(), 200*time.Millisecond) { // of another process
		now := f.ask(t, measure)
		if now.Goroutines == before.Goroutines {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("the process does not settle: %v, then %v", before, now)
		}
		before = now
	}
}

// awaitStock waits until the follower has no more goroutines and descriptors than in
// an earlier report, and about as much memory.
func (f *follower) awaitStock(t *testing.T, before report) report {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; sleep.For(t.Context(), 100*time.Millisecond) { // of another process
		r := f.ask(t, measure)
		if r.Goroutines <= before.Goroutines && r.Descriptors <= before.Descriptors && r.Heap < before.Heap+before.Heap/10 {
			return r
		}
		if time.Now().After(deadline) {
			t.Errorf("something has leaked: %v before, %v now", before, r)
			return r
		}
	}
}

// end ends the follower, which fails if it leaves goroutines.
func (f *follower) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(f.in.Close(), f.cmd.Wait()); err != nil {
		t.Errorf("the process with the load balancer: %v", err)
	}
}
