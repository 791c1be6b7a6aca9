package debug

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Calls are counted by operation, and their number is bounded.
func TestOperations(t *testing.T) {
	h := New()
	end := func(op client.Op, attempts int, err error) {
		h.CallEnded(t.Context(), lbclient.CallEvent{Op: op, Attempts: attempts, Duration: 20 * time.Millisecond, Err: err})
	}
	end(client.OpID, 1, nil)
	end(client.OpPin, 1, nil)
	end(client.OpPin, 3, errors.New("broken"))
	ops := h.Snapshot().Operations
	if len(ops) != 2 || ops[0].Op != client.OpPin || ops[0].Total != 2 || ops[0].Failed != 1 || ops[0].Attempts != 4 || ops[1].Total != 1 || len(ops[0].Latencies) == 0 {
		t.Errorf("got %+v", ops)
	}
	for i := range 2 * maxOperations {
		end(client.Op(fmt.Sprint("op", i)), 1, nil)
	}
	ops = h.Snapshot().Operations
	if len(ops) > maxOperations+1 || ops[0].Op != otherOp || ops[0].Total < maxOperations {
		t.Errorf("%d operations, the first is %s with %d calls", len(ops), ops[0].Op, ops[0].Total)
	}
}

// A call that has ended is counted without allocations.
func TestCallEndedAllocatesNothing(t *testing.T) {
	h := New()
	e := lbclient.CallEvent{Op: client.OpID, Attempts: 1, Duration: time.Millisecond}
	h.CallEnded(t.Context(), e)
	if n := testing.AllocsPerRun(100, func() { h.CallEnded(t.Context(), e) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// balancer is a source with a strategy and a budget.
type balancer struct{ fixed }

func (balancer) Strategy() string { return "strategy.Test" }
func (balancer) RetriesLeft() int { return 17 }

// The snapshot has the name, the strategy and the retries left, and the share of each
// endpoint among those of its depth.
func TestSnapshotOfBalancer(t *testing.T) {
	h := New()
	h.SetName("uploads")
	h.Watch(balancer{fixed{{Endpoint: "a"}, {Endpoint: "b", Endpoints: fixed{{Endpoint: "c"}}}, {Endpoint: "d"}}})
	for endpoint, n := range map[string]int{"a": 3, "b": 1, "c": 5} {
		for range n {
			ended(h, endpoint, time.Millisecond, nil)
		}
	}
	s := h.Snapshot()
	if s.Name != "uploads" || s.Strategy != "strategy.Test" || s.RetriesLeft == nil || *s.RetriesLeft != 17 {
		t.Errorf("got %q, %q, %v", s.Name, s.Strategy, s.RetriesLeft)
	}
	var shares []float64
	for _, e := range s.Endpoints {
		shares = append(shares, e.Share)
	}
	if fmt.Sprint(shares) != "[0.75 0.25 1 0]" {
		t.Errorf("shares %v", shares)
	}
	h.Watch(fixed{})
	if s := h.Snapshot(); s.Strategy != "" || s.RetriesLeft != nil {
		t.Errorf("a source without them: %q, %v", s.Strategy, s.RetriesLeft)
	}
}

// Probes are events, which events of calls do not push out, nor they the changes.
func TestProbesAreEvents(t *testing.T) {
	h := New()
	h.EndpointEjected(lbclient.HealthEvent{Endpoint: "a"})
	for i := range 2 * maxEvents {
		h.EndpointProbed(lbclient.ProbeEvent{Endpoint: fmt.Sprint(i), Duration: time.Second, Err: errors.New(strings.Repeat("x", maxError))})
	}
	h.EndpointProbed(lbclient.ProbeEvent{Endpoint: "a"})
	for i := range 2 * maxEvents {
		h.CallRetried(t.Context(), lbclient.AttemptEvent{Endpoint: fmt.Sprint(i)})
	}
	counts := make(map[EventKind]int)
	for _, e := range h.Snapshot().Events {
		counts[e.Kind]++
		if e.Kind == ProbeFailed && (len(e.Error) != maxError || e.For != time.Second) {
			t.Errorf("error of %d bytes, %v", len(e.Error), e.For)
		}
	}
	if counts[ProbeFailed] != maxEvents-1 || counts[ProbeAnswered] != 1 || counts[Retried] != maxEvents || counts[Ejected] != 1 {
		t.Errorf("events %v", counts)
	}
}
