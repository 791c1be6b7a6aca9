package lbclient

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// errBoom is the value of all panics in these tests.
var errBoom = errors.New("boom")

// fuse panics once, at the first of its uses after it was lit.
type fuse struct{ lit atomic.Bool }

func (f *fuse) use() {
	if f.lit.CompareAndSwap(true, false) {
		panic(errBoom)
	}
}

// recovered calls f and reports whether it panicked with errBoom.
func recovered(t *testing.T, f func()) (panicked bool) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			err, ok := v.(error)
			if panicked = ok && errors.Is(err, errBoom); !panicked {
				panic(v)
			}
		}
	}()
	f()
	return false
}

// fusedStrategy panics in one of its methods.
type fusedStrategy struct {
	strategy.RoundRobin
	set, next, begin, sent, end fuse
}

func (s *fusedStrategy) SetClients(clients []client.Client) {
	s.set.use()
	s.RoundRobin.SetClients(clients)
}
func (s *fusedStrategy) Pick(call *strategy.Call) client.Client {
	s.next.use()
	return s.RoundRobin.Pick(call)
}
func (s *fusedStrategy) Begin(*strategy.Call, client.Client)                { s.begin.use() }
func (s *fusedStrategy) Sent(*strategy.Call, client.Client, int)            { s.sent.use() }
func (s *fusedStrategy) End(*strategy.Call, client.Client, strategy.Result) { s.end.use() }

// plainStrategy is a strategy with Next only.
type plainStrategy struct {
	s    strategy.RoundRobin
	next *fuse
}

func (s *plainStrategy) SetClients(clients []client.Client) { s.s.SetClients(clients) }
func (s *plainStrategy) Next(count int) client.Client {
	s.next.use()
	return s.s.Next(count)
}

// fusedHook panics in one of its methods.
type fusedHook struct {
	callStarted, callEnded, attemptStarted, attemptEnded, retried, exhausted, ejected, readmitted, changed fuse
	ended                                                                                                  atomic.Int32
}

func (h *fusedHook) CallStarted(ctx context.Context, _ client.Op) context.Context {
	h.callStarted.use()
	return ctx
}
func (h *fusedHook) CallEnded(context.Context, CallEvent) { h.callEnded.use() }
func (h *fusedHook) AttemptStarted(ctx context.Context, _ AttemptEvent) context.Context {
	h.attemptStarted.use()
	return ctx
}
func (h *fusedHook) AttemptEnded(context.Context, AttemptEvent) {
	h.ended.Add(1)
	h.attemptEnded.use()
}
func (h *fusedHook) CallRetried(context.Context, AttemptEvent)     { h.retried.use() }
func (h *fusedHook) BudgetExhausted(context.Context, AttemptEvent) { h.exhausted.use() }
func (h *fusedHook) EndpointEjected(HealthEvent)                   { h.ejected.use() }
func (h *fusedHook) EndpointReadmitted(HealthEvent)                { h.readmitted.use() }
func (h *fusedHook) MembershipChanged(MembershipEvent)             { h.changed.use() }

// fusedLog is a log handler that panics.
type fusedLog struct {
	slog.Handler
	log fuse
}

func (h *fusedLog) Enabled(context.Context, slog.Level) bool { return true }
func (h *fusedLog) Handle(context.Context, slog.Record) error {
	h.log.use()
	return nil
}
func (h *fusedLog) WithAttrs([]slog.Attr) slog.Handler { return h }

// fusedBed is a load balancer over two fakes, with code that panics at each seam.
type fusedBed struct {
	*testing.T
	s     *fusedStrategy
	hook  *fusedHook
	log   *fusedLog
	open  fuse
	close fuse
	fakes []*bodyFake
	c     *Client
}

// fusedClient panics in its Close.
type fusedClient struct {
	*bodyFake
	close *fuse
}

func (c fusedClient) Close() error {
	defer c.close.use()
	return c.bodyFake.Close()
}

func newFusedBed(t *testing.T, opts ...Option) *fusedBed {
	b := &fusedBed{T: t, s: &fusedStrategy{}, hook: &fusedHook{}, log: &fusedLog{Handler: slog.DiscardHandler}}
	opts = append(opts, WithHooks(b.hook), WithLogger(slog.New(b.log)), WithOpener(func(cfg *config.Config) (client.Client, error) {
		if cfg.Host == "boom" {
			b.open.use()
		}
		f := &bodyFake{fake: &fake{name: cfg.Host, cids: testCids(5), outputs: []*api.AddedOutput{{Name: "x", Cid: api.NewCid(testCid(0)), Size: 5}}}}
		b.fakes = append(b.fakes, f)
		return fusedClient{f, &b.close}, nil
	}))
	c, err := NewFromConfigs(b.s, hosts("a", "b"), 1, opts...)
	if err != nil {
		t.Fatal(err)
	}
	b.c = c
	return b
}

func (b *fusedBed) id()   { _, _ = b.c.ID(b.Context()) }
func (b *fusedBed) swap() { _ = b.c.SetConfigs(hosts("b", "c")) }
func (b *fusedBed) fail(err error) {
	for _, f := range b.fakes[:2] {
		f.answer = failsOnce(err)
	}
}

// add makes an add whose outputs are consumed.
func (b *fusedBed) add() {
	out := make(chan *api.AddedOutput, 10)
	_ = b.c.AddBody(b.Context(), &client.Body{Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(&fusedReader{}), nil }}, nil, out)
}

type fusedReader struct{ n int }

func (r *fusedReader) Read(p []byte) (int, error) {
	if r.n++; r.n > 3 {
		return 0, io.EOF
	}
	return 1, nil
}
