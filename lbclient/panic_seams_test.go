package lbclient

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// panicSeams holds, for each place where the load balancer calls users' code on the caller's
// goroutine or for it, what makes that code panic.
var panicSeams = map[string]func(b *fusedBed) (f *fuse, use func()){
	"strategy.Pick":       func(b *fusedBed) (*fuse, func()) { return &b.s.next, b.id },
	"strategy.Begin":      func(b *fusedBed) (*fuse, func()) { return &b.s.begin, b.id },
	"strategy.Sent":       func(b *fusedBed) (*fuse, func()) { return &b.s.sent, b.add },
	"strategy.End":        func(b *fusedBed) (*fuse, func()) { return &b.s.end, b.id },
	"strategy.SetClients": func(b *fusedBed) (*fuse, func()) { return &b.s.set, b.swap },
	"strategy.SetClients at an ejection": func(b *fusedBed) (*fuse, func()) {
		b.fail(dialError())
		return &b.s.set, b.id
	},
	"strategy.Sent of an output": func(b *fusedBed) (*fuse, func()) {
		return &b.s.sent, func() {
			out := make(chan *api.AddedOutput, 10)
			_ = b.c.Add(b.Context(), []string{"x"}, nil, out)
		}
	},
	"hook.CallStarted":    func(b *fusedBed) (*fuse, func()) { return &b.hook.callStarted, b.id },
	"hook.CallEnded":      func(b *fusedBed) (*fuse, func()) { return &b.hook.callEnded, b.id },
	"hook.AttemptStarted": func(b *fusedBed) (*fuse, func()) { return &b.hook.attemptStarted, b.id },
	"hook.AttemptEnded":   func(b *fusedBed) (*fuse, func()) { return &b.hook.attemptEnded, b.id },
	"hook.CallRetried": func(b *fusedBed) (*fuse, func()) {
		b.fail(brokenError())
		return &b.hook.retried, b.id
	},
	"hook.BudgetExhausted": func(b *fusedBed) (*fuse, func()) {
		b.fakes[0].answer = failsOnce(brokenError())
		b.c.budget.fraction, b.c.budget.fixed = 0, 0
		return &b.hook.exhausted, b.id
	},
	"hook.EndpointEjected": func(b *fusedBed) (*fuse, func()) {
		b.fail(dialError())
		return &b.hook.ejected, b.id
	},
	"hook.EndpointReadmitted": func(b *fusedBed) (*fuse, func()) {
		b.fail(dialError())
		b.id()
		time.Sleep(time.Minute)
		return &b.hook.readmitted, b.id
	},
	"hook.EndpointReadmitted in a listing": func(b *fusedBed) (*fuse, func()) {
		b.fail(dialError())
		b.id()
		time.Sleep(time.Minute)
		return &b.hook.readmitted, func() {
			for range b.c.StatusAll(b.Context(), 0, false) {
			}
		}
	},
	"hook.MembershipChanged": func(b *fusedBed) (*fuse, func()) { return &b.hook.changed, b.swap },
	"logger": func(b *fusedBed) (*fuse, func()) {
		b.fail(dialError())
		return &b.log.log, b.id
	},
	"logger of a change": func(b *fusedBed) (*fuse, func()) { return &b.log.log, b.swap },
	"opener": func(b *fusedBed) (*fuse, func()) {
		return &b.open, func() { _ = b.c.SetConfigs(hosts("b", "c", "boom")) }
	},
	"client.Close": func(b *fusedBed) (*fuse, func()) { return &b.close, b.swap },
	"client.ID": func(b *fusedBed) (*fuse, func()) {
		f := &fuse{}
		for _, fake := range b.fakes {
			fake.answer = func(context.Context, client.Op, int) reply { f.use(); return reply{after: -1} }
		}
		return f, b.id
	},
	"consumer of a listing": func(b *fusedBed) (*fuse, func()) {
		f := &fuse{}
		return f, func() {
			for range b.c.StatusAll(b.Context(), 0, false) {
				f.use()
			}
		}
	},
	"Body.Open": func(b *fusedBed) (*fuse, func()) {
		f := &fuse{}
		return f, func() {
			_ = b.c.AddBody(b.Context(), &client.Body{Open: func(context.Context) (io.ReadCloser, error) { f.use(); return nil, io.EOF }}, nil, make(chan *api.AddedOutput))
		}
	},
}

// After a panic in a strategy's SetClients, the load balancer was locked for ever; after one in a
// HealthHook, an endpoint never drained (E13). After its caller has recovered a panic of any
// code that the load balancer calls, further calls work, removed endpoints are closed, and
// Close returns.
func TestPanicSeams(t *testing.T) {
	for name, arrange := range panicSeams {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFusedBed(t)
				f, use := arrange(b)
				f.lit.Store(true)
				if !recovered(t, use) {
					t.Error("the caller got no panic")
				}
				synctest.Wait()
				checkUsable(b)
			})
		})
	}
}

// checkUsable checks that the load balancer works, and that nothing of it is left after Close.
func checkUsable(b *fusedBed) {
	b.Helper()
	for range 4 {
		if _, err := b.c.ID(b.Context()); err != nil {
			b.Errorf("the next call: %v", err)
		}
	}
	for _, info := range b.c.Endpoints() {
		if info.InFlight != 0 || info.State == Draining {
			b.Errorf("%s: %d attempts in flight, %s", info.Endpoint, info.InFlight, info.State)
		}
	}
	if err := b.c.SetConfigs(hosts("d")); err != nil {
		b.Error(err)
	}
	if id, err := b.c.ID(b.Context()); err != nil || id.Peername != "d" {
		b.Errorf("after SetConfigs: %v, %v", id, err)
	}
	if err := b.c.Close(); err != nil {
		b.Error(err)
	}
	for _, f := range b.fakes {
		if f.closed != 1 {
			b.Errorf("%s was closed %d times", f.name, f.closed)
		}
	}
}

// Next is called only if the strategy is not a Picker.
func TestPanicInNext(t *testing.T) {
	f := &fuse{}
	c := newLB(t, &plainStrategy{next: f}, newFakes(2), 1)
	f.lit.Store(true)
	if !recovered(t, func() { _, _ = c.ID(t.Context()) }) {
		t.Error("the caller got no panic")
	}
	if _, err := c.ID(t.Context()); err != nil {
		t.Error(err)
	}
}

// A panic of the strategy in a constructor closes the clients that the constructor has opened.
func TestPanicInConstructor(t *testing.T) {
	s, town := &fusedStrategy{}, &town{}
	s.set.lit.Store(true)
	if !recovered(t, func() { _, _ = NewFromConfigs(s, hosts("a", "b"), 0, WithOpener(town.open)) }) {
		t.Error("the caller got no panic")
	}
	for _, name := range []string{"a", "b"} {
		if n := town.at(name)[0].closed; n != 1 {
			t.Errorf("%s was closed %d times", name, n)
		}
	}
	s = &fusedStrategy{}
	s.set.lit.Store(true)
	fakes := newFakes(1)
	if !recovered(t, func() { _, _ = New(s, clientsOf(fakes), 0) }) || fakes[0].closed != 0 {
		t.Errorf("the caller's client was closed %d times", fakes[0].closed)
	}
}

// One client's panic in Close keeps no other client from being closed.
func TestPanicInClose(t *testing.T) {
	b := newFusedBed(t)
	b.close.lit.Store(true)
	if !recovered(t, func() { _ = b.c.Close() }) {
		t.Error("the caller got no panic")
	}
	if err := b.c.Close(); err != nil || b.fakes[0].closed != 1 || b.fakes[1].closed != 1 {
		t.Errorf("closed %d and %d times, %v", b.fakes[0].closed, b.fakes[1].closed, err)
	}
}
