package hostile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/hostile"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// badTimeout makes a load balancer leave a peer whose answer does not end. The
// good one has all the time of the call.
const badTimeout = 500 * time.Millisecond

// record is what a load balancer reports.
type record struct {
	mu       sync.Mutex
	attempts []lbclient.AttemptEvent
	ejected  []string
}

func (r *record) AttemptStarted(ctx context.Context, _ lbclient.AttemptEvent) context.Context {
	return ctx
}

func (r *record) AttemptEnded(_ context.Context, e lbclient.AttemptEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, e)
}

func (r *record) EndpointEjected(e lbclient.HealthEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ejected = append(r.ejected, e.Endpoint)
}

func (r *record) EndpointReadmitted(lbclient.HealthEvent) {}

// balanced is a load balancer of two bad peers, which are asked first, and the
// good one.
type balanced struct {
	record
	client.Client
	bad  [2]*badPeer
	good string // name
}

func (b *bench) balance(t *testing.T, a hostile.Answer) *balanced {
	x := &balanced{bad: [2]*badPeer{serve(t, a), serve(t, a)}, good: b.good.Addr().String()}
	cfgs := []*config.Config{x.bad[0].config(), x.bad[1].config(), {APIAddr: b.good.Addr()}}
	if a.Hangs() {
		cfgs[0].Timeout, cfgs[1].Timeout = badTimeout, badTimeout
	}
	var err error
	if x.Client, err = lbclient.NewLBClient(&strategy.Failover{}, cfgs, 3, lbclient.WithHooks(&x.record)); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *balanced) close(t *testing.T, name string) {
	closeClient(t, name, x.Client)
	for _, p := range x.bad {
		p.Close()
	}
}

// checkBalancer checks a call of a load balancer.
func (b *bench) checkBalancer(t *testing.T, a hostile.Answer, m method) {
	name := "balanced: " + a.Name + ", " + m.Name
	x := b.balance(t, a)
	defer x.close(t, name)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	var outputs int
	var err error
	if !within(ctx, func() { outputs, err = m.call(ctx, t, x, b.args) }) {
		t.Errorf("%s: the call did not end", name)
		return
	}
	if err != nil {
		var e *client.Error
		var all *lbclient.AttemptsError
		if !errors.As(err, &e) && !errors.As(err, &all) {
			t.Errorf("%s: the error is a %T: %.300v", name, err, err)
		}
		checkText(t, name, err)
	}
	if want := len(hostile.Files()) + 1; err == nil && m.adds() && outputs != want {
		t.Errorf("%s: %d outputs, want %d", name, outputs, want)
	}
	x.judge(t, name, a, m, err)
}

// judge checks where the call went, and what became of it.
func (x *balanced) judge(t *testing.T, name string, a hostile.Answer, m method, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	last := x.attempts[len(x.attempts)-1]
	reached := last.Endpoint == x.good
	asked := x.bad[0].requests.Load() > 0
	switch {
	case reached && last.Err == nil:
		if err != nil {
			t.Errorf("%s: the good peer's answer is lost: %v", name, err)
		}
	case reached && last.Err != nil:
		var e *client.Error
		if !errors.As(last.Err, &e) || e.Status < 400 {
			t.Errorf("%s: the good peer did not answer: %v", name, err)
		}
		if err == nil && m.op != client.OpUnpin && m.op != client.OpUnpinPath {
			t.Errorf("%s: success, although the good peer refused: %v", name, last.Err)
		}
	case err == nil && asked && !may(a, m):
		t.Errorf("%s: success without the good peer", name)
	case err != nil && mustReplay(a, m.op.ReplayClass()):
		t.Errorf("%s: the good peer was not asked: %v", name, err)
	}
	if reached && asked && mustNotReplay(a, m.op.ReplayClass()) {
		t.Errorf("%s: the good peer was asked, too: %v", name, x.attempts[0].Err)
	}
}

// mustReplay reports whether a call that got the answer has to go to another
// peer.
func mustReplay(a hostile.Answer, class client.ReplayClass) bool {
	switch a.Means {
	case hostile.Moved:
		return true
	case hostile.Rubbish, hostile.Busy:
		return class != client.ReplayOnce
	case hostile.Fault, hostile.Reported:
		return class == client.ReplayRead
	}
	return false
}

// mustNotReplay reports whether a call that got the answer must not be sent
// again.
func mustNotReplay(a hostile.Answer, class client.ReplayClass) bool {
	switch {
	case a.Means == hostile.Refusal:
		return true
	case class == client.ReplayOnce:
		return !a.Unexecuted
	}
	return a.Means == hostile.Fault && class != client.ReplayRead && !a.Hangs()
}

// probes are the reads that a peer's health is found out with: none of them is
// a success with every answer.
var probes = map[string]func(context.Context, client.Client) error{
	"ID":      func(ctx context.Context, c client.Client) error { _, err := c.ID(ctx); return err },
	"Version": func(ctx context.Context, c client.Client) error { _, err := c.Version(ctx); return err },
	"StatusAll": func(ctx context.Context, c client.Client) error {
		for _, err := range c.StatusAll(ctx, api.TrackerStatusUndefined, false) {
			if err != nil {
				return err
			}
		}
		return nil
	},
}

// checkHealth checks what the load balancer thinks of the peers after some
// reads.
func (b *bench) checkHealth(t *testing.T, a hostile.Answer) {
	name := "health: " + a.Name
	x := b.balance(t, a)
	defer x.close(t, name)
	ctx, cancel := context.WithTimeout(context.Background(), 2*long)
	defer cancel()
	for range 6 {
		for op, read := range probes {
			if !slices.Contains(a.May, op) && op != "StatusAll" {
				_ = read(ctx, x)
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if slices.Contains(x.ejected, x.good) {
		t.Errorf("%s: the good peer was ejected", name)
	}
	for i, p := range x.bad {
		ejected := slices.Contains(x.ejected, "http://"+p.Addr())
		switch {
		case a.Means == hostile.Unjudged:
		case a.Means == hostile.Refusal && ejected:
			t.Errorf("%s: peer %d was ejected for a refusal", name, i)
		case a.Means != hostile.Refusal && !ejected:
			t.Errorf("%s: peer %d was not ejected: %v", name, i, x.ejected)
		}
	}
}
