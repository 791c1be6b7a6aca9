package debug

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

var (
	_ lbclient.CallHook       = (*Handler)(nil)
	_ lbclient.AttemptHook    = (*Handler)(nil)
	_ lbclient.RetryHook      = (*Handler)(nil)
	_ lbclient.HealthHook     = (*Handler)(nil)
	_ lbclient.ProbeHook      = (*Handler)(nil)
	_ lbclient.MembershipHook = (*Handler)(nil)
)

// CallStarted implements [lbclient.CallHook].
func (h *Handler) CallStarted(ctx context.Context, _ client.Op) context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls.InFlight++
	return ctx
}

// CallEnded implements [lbclient.CallHook].
func (h *Handler) CallEnded(_ context.Context, e lbclient.CallEvent) {
	failed := isFailure(e.Err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls.InFlight--
	h.calls.Total++
	h.calls.Attempts += uint64(e.Attempts)
	if failed {
		h.calls.Failed++
	}
	now := time.Now()
	h.perCall.add(now, e.Duration, failed)
	h.operation(e.Op).add(now, e, failed)
}

// AttemptStarted implements [lbclient.AttemptHook].
func (h *Handler) AttemptStarted(ctx context.Context, e lbclient.AttemptEvent) context.Context {
	if e.Hedge {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.calls.Hedges++
		h.incident(Event{Kind: Hedged, Endpoint: e.Endpoint, Op: string(e.Op)})
	}
	return ctx
}

// AttemptEnded implements [lbclient.AttemptHook]. It ignores cancelled attempts, whose
// duration says nothing about the endpoint's latency.
func (h *Handler) AttemptEnded(_ context.Context, e lbclient.AttemptEvent) {
	if e.Cancelled {
		return
	}
	failed := isFailure(e.Err)
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.byName[e.Endpoint]
	if s == nil {
		if len(h.byName) >= maxEndpoints {
			h.forget()
		}
		if h.byName == nil {
			h.byName = make(map[string]*series)
		}
		s = new(series)
		h.byName[e.Endpoint] = s
	}
	s.add(time.Now(), e.Duration, failed)
}

// forget removes the latencies of the endpoint whose last attempt is the oldest.
func (h *Handler) forget() {
	var oldest string
	var when int64
	for name, s := range h.byName {
		if oldest == "" || s.last < when {
			oldest, when = name, s.last
		}
	}
	delete(h.byName, oldest)
}

// CallRetried implements [lbclient.RetryHook].
func (h *Handler) CallRetried(_ context.Context, e lbclient.AttemptEvent) {
	text := textOf(e.Err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls.Retries++
	h.incident(Event{Kind: Retried, Endpoint: e.Endpoint, Op: string(e.Op), Error: text})
}

// BudgetExhausted implements [lbclient.RetryHook].
func (h *Handler) BudgetExhausted(_ context.Context, e lbclient.AttemptEvent) {
	text := textOf(e.Err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls.BudgetExhausted++
	h.incident(Event{Kind: BudgetExhausted, Endpoint: e.Endpoint, Op: string(e.Op), Error: text})
}

// EndpointEjected implements [lbclient.HealthHook].
func (h *Handler) EndpointEjected(e lbclient.HealthEvent) {
	h.change(Event{Kind: Ejected, Endpoint: e.Endpoint, Error: textOf(e.Err), For: e.For})
}

// EndpointReadmitted implements [lbclient.HealthHook].
func (h *Handler) EndpointReadmitted(e lbclient.HealthEvent) {
	h.change(Event{Kind: Readmitted, Endpoint: e.Endpoint})
}

// EndpointProbed implements [lbclient.ProbeHook].
func (h *Handler) EndpointProbed(e lbclient.ProbeEvent) {
	kind := ProbeAnswered
	if e.Err != nil {
		kind = ProbeFailed
	}
	event := Event{Kind: kind, Endpoint: e.Endpoint, Error: textOf(e.Err), For: e.Duration}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record(&h.probes, event)
}

// MembershipChanged implements [lbclient.MembershipHook].
func (h *Handler) MembershipChanged(e lbclient.MembershipEvent) {
	h.change(Event{Kind: MembershipChanged, Added: someOf(e.Added), Removed: someOf(e.Removed)})
}

// someOf returns a copy of the first maxNames names, followed by "…" if there are more.
func someOf(names []string) []string {
	some := append([]string(nil), names[:min(len(names), maxNames)]...)
	if len(names) > maxNames {
		some = append(some, "…")
	}
	return some
}

// change logs a change of an endpoint or of the list of endpoints.
func (h *Handler) change(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record(&h.changes, e)
}

// record adds an event to a log. h.mu is held.
func (h *Handler) record(l *log, e Event) {
	e.At, e.Count = time.Now().UTC(), 1
	h.seq++
	e.Seq = h.seq
	l.add(e)
}

// incident logs an event of a call, or merges it into a recent one. h.mu is held.
func (h *Handler) incident(e Event) {
	e.At = time.Now().UTC()
	if have := h.incidents.alike(e); have != nil {
		have.Count++
		have.Error = e.Error
		return
	}
	h.record(&h.incidents, e)
}

// isFailure reports whether err is a failure. Cancellation by the caller, invalid
// arguments, and 4xx statuses other than 429 are not failures.
func isFailure(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, client.ErrInvalid) {
		return false
	}
	var e *client.Error
	answered := errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests
	return !answered
}
