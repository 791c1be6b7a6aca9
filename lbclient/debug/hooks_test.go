package debug

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// ended passes the end of an attempt to h.
func ended(h *Handler, endpoint string, d time.Duration, err error) {
	h.AttemptEnded(context.Background(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: endpoint, Duration: d, Err: err})
}

func TestLatenciesBySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		h.Watch(fixed{{Endpoint: "a"}})
		ended(h, "a", 10*time.Millisecond, nil)
		ended(h, "a", 30*time.Millisecond, errors.New("x"))
		time.Sleep(2 * time.Second)
		ended(h, "a", time.Millisecond, nil)
		h.AttemptEnded(t.Context(), lbclient.AttemptEvent{Endpoint: "a", Duration: time.Hour, Err: context.Canceled, Cancelled: true})
		check := func(want ...Second) {
			t.Helper()
			if got := h.Snapshot().Endpoints[0].Latencies; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		first := Second{Ago: 2, Count: 2, Failed: 1, Mean: 20 * time.Millisecond, Max: 30 * time.Millisecond}
		second := Second{Ago: 0, Count: 1, Mean: time.Millisecond, Max: time.Millisecond}
		check(first, second)
		time.Sleep(57 * time.Second)
		first.Ago, second.Ago = 59, 57
		check(first, second)
		time.Sleep(time.Second)
		second.Ago = 58
		check(second)
		ended(h, "a", time.Second, nil) // reuses the bucket of the first second
		check(second, Second{Count: 1, Mean: time.Second, Max: time.Second})
		time.Sleep(time.Hour)
		check()
	})
}

func TestCallsAreCounted(t *testing.T) {
	h := New()
	ctx := h.CallStarted(t.Context(), client.OpPin)
	h.CallStarted(ctx, client.OpPin)
	h.CallStarted(ctx, client.OpPin)
	h.CallEnded(ctx, lbclient.CallEvent{Op: client.OpPin, Attempts: 1})
	h.CallEnded(ctx, lbclient.CallEvent{Op: client.OpPin, Attempts: 3, Err: errors.New("x")})
	h.AttemptStarted(ctx, lbclient.AttemptEvent{Endpoint: "a"})
	h.AttemptStarted(ctx, lbclient.AttemptEvent{Endpoint: "a", Hedge: true})
	h.CallRetried(ctx, lbclient.AttemptEvent{Endpoint: "a"})
	h.BudgetExhausted(ctx, lbclient.AttemptEvent{Endpoint: "a"})
	got := h.Snapshot().Calls
	got.Latencies = nil
	want := Calls{InFlight: 1, Total: 2, Failed: 1, Attempts: 4, Retries: 1, Hedges: 1, BudgetExhausted: 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWhatIsAFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{context.Canceled, false},
		{&client.Error{Err: client.ErrInvalid}, false},
		{&client.Error{Status: http.StatusNotFound, Err: errors.New("x")}, false},
		{&client.Error{Status: http.StatusUnauthorized, Err: errors.New("x")}, false},
		{&client.Error{Status: http.StatusTooManyRequests, Err: errors.New("x")}, true},
		{&client.Error{Status: http.StatusServiceUnavailable, Err: errors.New("x")}, true},
		{&client.Error{Status: http.StatusOK, Err: errors.New("stream broke")}, true},
		{&client.Error{Err: errors.New("connection refused")}, true},
		{context.DeadlineExceeded, true},
	} {
		if got := isFailure(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		h.MembershipChanged(lbclient.MembershipEvent{Added: []string{"a", "b"}})
		h.EndpointEjected(lbclient.HealthEvent{Endpoint: "a", Err: errors.New("refused"), For: time.Second})
		for i := range 1000 {
			h.CallRetried(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Err: fmt.Errorf("failure %d", i)})
			h.CallRetried(t.Context(), lbclient.AttemptEvent{Op: client.OpPin, Endpoint: "b"})
		}
		time.Sleep(time.Second)
		h.CallRetried(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a"})
		h.AttemptStarted(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "b", Hedge: true})
		h.BudgetExhausted(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "b"})
		h.EndpointReadmitted(lbclient.HealthEvent{Endpoint: "a"})
		var got []string
		for _, e := range h.Snapshot().Events {
			got = append(got, fmt.Sprintf("%d %s %s %s x%d %s %v", e.Seq, e.Kind, e.Op, e.Endpoint, e.Count, e.Error, e.Added))
		}
		want := []string{
			"8 readmitted  a x1  []",
			"7 budget exhausted ID b x1  []",
			"6 hedged ID b x1  []",
			"5 retried ID a x1  []",
			"4 retried Pin b x1000  []",
			"3 retried ID a x1000 failure 999 []",
			"2 ejected  a x1 refused []",
			"1 membership changed   x1  [a b]",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Endpoints and callers must not be able to make a Handler grow without limit, or to push
// the ejections out of the log.
func TestMemoryIsBounded(t *testing.T) {
	h := New()
	long := errors.New(strings.Repeat("ä", 1<<20))
	h.EndpointEjected(lbclient.HealthEvent{Endpoint: "first", Err: long})
	h.MembershipChanged(lbclient.MembershipEvent{Removed: make([]string, 10*maxNames)})
	for i := range maxEndpoints + 100 {
		name := fmt.Sprint(i)
		ended(h, name, time.Millisecond, nil)
		h.CallRetried(t.Context(), lbclient.AttemptEvent{Endpoint: name, Err: long})
	}
	if len(h.byName) > maxEndpoints || len(h.incidents) > maxEvents {
		t.Errorf("%d endpoints, %d events", len(h.byName), len(h.incidents))
	}
	events := h.Snapshot().Events
	if last := events[len(events)-1]; last.Kind != Ejected || last.Endpoint != "first" {
		t.Errorf("the ejection was forgotten: %+v", last)
	}
	for _, e := range events {
		if len(e.Error) > maxError+len("…") || !utf8.ValidString(e.Error) || len(e.Removed) > maxNames+1 {
			t.Errorf("an event with %d bytes of error and %d names", len(e.Error), len(e.Removed))
		}
	}
	if got := bounded("ok\xff" + strings.Repeat("x", maxError)); !utf8.ValidString(got) {
		t.Errorf("%q", got[:8])
	}
}

func TestConcurrentUse(t *testing.T) {
	h := New()
	h.Watch(fixed{{Endpoint: "a"}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ctx := h.CallStarted(context.Background(), client.OpID)
				e := lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Hedge: true}
				ctx = h.AttemptStarted(ctx, e)
				h.AttemptEnded(ctx, e)
				h.CallRetried(ctx, e)
				h.EndpointEjected(lbclient.HealthEvent{Endpoint: "a"})
				h.CallEnded(ctx, lbclient.CallEvent{Attempts: 1})
			}
			ask(h, "GET", "/?format=json")
		})
	}
	wg.Wait()
	if got := h.Snapshot().Calls; got.Total != 1600 || got.InFlight != 0 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkAttempt measures what a Handler adds to each attempt.
func BenchmarkAttempt(b *testing.B) {
	h := New()
	e := lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Duration: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		h.AttemptEnded(h.AttemptStarted(b.Context(), e), e)
	}
}
