//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/sleep"
	"github.com/pinfleet/pinfleet/lbclient"
)

// lateness is how much later than its deadline a call may return, because a busy
// machine is late with its timers.
const lateness = 2 * time.Second

// load is the load on a cluster.
type load struct {
	settings *settings
	clients  []client.Client // load balancers, which take turns
	names    []string        // of the peers, as the load balancers call them
	ledger   *ledger
	record   *record
	dir      string // for the files of adds
	// consistent means that all peers have the same state at any time, as our own
	// have. Those of a real cluster need some time to hear of each other's changes.
	consistent bool
	made       atomic.Uint64 // calls
	settled    time.Time     // until then, peers may still have to agree; set after the load
}

// newLoad returns a load with its own load balancers. The caller must call close.
func newLoad(s *settings, c cluster, r *record) (_ *load, err error) {
	l := &load{settings: s, ledger: newLedger(), record: r, consistent: s.peers == nil}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.dir, err = os.MkdirTemp("", "chaos-files-"); err != nil {
		return nil, err
	}
	for _, name := range s.strategies {
		lb, err := lbclient.NewFromConfigs(strategies()[name], c.configs(), s.retries, lbclient.WithHooks(r))
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, lb)
		l.names = nil
		for _, endpoint := range lb.Endpoints() {
			l.names = append(l.names, endpoint.Endpoint)
		}
	}
	return l, nil
}

func (l *load) close() error {
	errs := []error{os.RemoveAll(l.dir)}
	for _, c := range l.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// run makes calls at random times until ctx ends, and waits for them. The calls
// themselves end with calls.
func (l *load) run(ctx, calls context.Context) {
	r := rand.New(rand.NewPCG(l.settings.seed, 1))
	var active sync.WaitGroup
	defer active.Wait()
	next := time.Now()
	for {
		next = next.Add(time.Duration(r.ExpFloat64() / l.settings.rate * float64(time.Second)))
		if !sleep.For(ctx, time.Until(next)) {
			return
		}
		c := l.newCaller()
		k := choose(c.rand)
		active.Go(func() { l.call(calls, k, c) })
	}
}

// newCaller returns the caller of the next call. Its random numbers depend only on
// the seed and the number of the call.
func (l *load) newCaller() *caller {
	n := l.made.Add(1)
	return &caller{
		load: l, client: l.clients[n%uint64(len(l.clients))], number: n,
		rand: rand.New(rand.NewPCG(l.settings.seed, n+1)),
	}
}

// call makes one call, and records it.
func (l *load) call(ctx context.Context, k kind, c *caller) {
	ctx, cancel := context.WithTimeout(ctx, l.settings.deadline)
	defer cancel()
	began := time.Now()
	err := k.do(c, ctx)
	took := time.Since(began)
	if errors.Is(err, errNothingToDo) {
		return
	}
	if took > l.settings.deadline+lateness {
		l.record.violated("calls past their deadline", "%s returned after %s", k.name, took.Round(time.Millisecond))
	}
	var wrong wrongError
	if errors.As(err, &wrong) {
		l.record.violated("wrong results", "%s: %v", k.name, err)
	}
	l.record.called(k.name, took, err)
}

// caller makes one call.
type caller struct {
	*load
	client client.Client
	number uint64
	rand   *rand.Rand
}

// wrongError is the error of a call that seemed to succeed, but whose result is
// wrong.
type wrongError string

func (e wrongError) Error() string { return string(e) }

// wrong returns a wrongError.
func wrong(format string, args ...any) error { return wrongError(fmt.Sprintf(format, args...)) }

// errNothingToDo means that there is no item yet for a call. Nothing was called.
var errNothingToDo = errors.New("nothing to do")

// tempFile writes content to a new file, which the caller must remove.
func (c *caller) tempFile(content []byte) (string, error) {
	path := filepath.Join(c.dir, fmt.Sprint(c.number))
	return path, os.WriteFile(path, content, 0o600)
}
