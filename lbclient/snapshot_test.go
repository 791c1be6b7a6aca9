package lbclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		fakes := newFakes(2)
		fakes[0].answer = func(_ context.Context, _ client.Op, n int) reply {
			time.Sleep(100 * time.Millisecond)
			return reply{err: map[int]error{2: statusError(404), 10: statusError(503), 11: brokenError(), 12: dialError()}[n]}
		}
		c := newLB(t, &strategy.Failover{}, fakes, 0)
		for i := range 13 {
			if i == 1 {
				_, _ = c.Pin(t.Context(), testCid(1), api.PinOptions{})
				continue
			}
			_, _ = c.ID(t.Context())
		}
		busy := make(chan struct{})
		fakes[1].answer = func(context.Context, client.Op, int) reply { <-busy; return reply{} }
		go func() { _, _ = c.ID(t.Context()) }()
		synctest.Wait()
		infos := c.Endpoints()
		close(busy)
		a, b := infos[0], infos[1]
		if a.State != Ejected || !a.Since.Equal(start.Add(1300*time.Millisecond)) || a.Attempts != 13 || a.InFlight != 0 {
			t.Errorf("a is %+v", a)
		}
		if fmt.Sprint(a.EWMA) != "map[read:100ms write:100ms]" || fmt.Sprint(a.Failures) != "map[broken:1 unavailable:1 unsent:1]" {
			t.Errorf("a took %v, failed %v", a.EWMA, a.Failures)
		}
		if !strings.Contains(a.LastError, "refused") || !a.LastErrorAt.Equal(a.Since) {
			t.Errorf("a's last error is %q at %s", a.LastError, a.LastErrorAt)
		}
		if d := a.NextProbe.Sub(a.Since); d < minEjection/2 || d > minEjection*3/2 {
			t.Errorf("a is probed after %s", d)
		}
		if b.State != Admitted || !b.Since.Equal(start) || b.InFlight != 1 || b.Attempts != 0 || b.Weight != 1 || !b.NextProbe.IsZero() {
			t.Errorf("b is %+v", b)
		}
		text, err := json.Marshal(b)
		if want := `{"endpoint":"b","state":"admitted","since":"2000-01-01T00:00:00Z","weight":1,"in_flight":1,"attempts":0}`; err != nil || string(text) != want {
			t.Errorf("%s, %v, want %s", text, err, want)
		}
	})
}

// The EndpointInfo of a nested load balancer contains its endpoints.
func TestSnapshotOfNested(t *testing.T) {
	fakes := newFakes(3)
	near := newLB(t, &strategy.RoundRobin{}, fakes[:2], 0)
	both := newLB(t, &strategy.Failover{}, []client.Client{near, fakes[2]}, 0)
	infos := both.Endpoints()
	if got := names(infos); got != "[a b]:admitted c:admitted" {
		t.Errorf("endpoints %s", got)
	}
	if got := names(infos[0].Endpoints); got != "a:admitted b:admitted" {
		t.Errorf("below %s", got)
	}
}

// The average follows the durations: 40 attempts after a change, it has made up at least
// nine tenths of the difference.
func TestAverage(t *testing.T) {
	var s stats
	for range 10 {
		s.took(client.KindRead, time.Second)
	}
	for range 40 {
		s.took(client.KindRead, 2*time.Second)
	}
	if d := time.Duration(s.times[client.KindRead].Load()); d < 1900*time.Millisecond || d > 2*time.Second {
		t.Errorf("average %s", d)
	}
}

// hookLog implements all hook interfaces.
type hookLog struct {
	changeLog
	memberLog
	lines []string
}

type hookKey struct{}

func (l *hookLog) CallStarted(ctx context.Context, op client.Op) context.Context {
	return context.WithValue(ctx, hookKey{}, "call "+string(op))
}
func (l *hookLog) CallEnded(ctx context.Context, e CallEvent) {
	l.lines = append(l.lines, fmt.Sprintf("%s ended: %d attempts, %s, %v", ctx.Value(hookKey{}), e.Attempts, e.Duration, e.Err))
}
func (l *hookLog) AttemptStarted(ctx context.Context, e AttemptEvent) context.Context {
	return context.WithValue(ctx, hookKey{}, fmt.Sprintf("%s: attempt %d at %s", ctx.Value(hookKey{}), e.Attempt, e.Endpoint))
}
func (l *hookLog) AttemptEnded(ctx context.Context, e AttemptEvent) {
	l.lines = append(l.lines, fmt.Sprintf("%s ended: %s, %v, cancelled %v", ctx.Value(hookKey{}), e.Duration, e.Err, e.Cancelled))
}
func (l *hookLog) CallRetried(_ context.Context, e AttemptEvent) {
	l.lines = append(l.lines, fmt.Sprintf("retried: attempt %d at %s, %s, %v", e.Attempt, e.Endpoint, e.Duration, e.Err))
}
func (l *hookLog) BudgetExhausted(_ context.Context, e AttemptEvent) {
	l.lines = append(l.lines, fmt.Sprintf("no budget: attempt %d at %s", e.Attempt, e.Endpoint))
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = func(ctx context.Context, _ client.Op, _ int) reply {
			if got := ctx.Value(hookKey{}); got != "call ID: attempt 0 at a" {
				t.Errorf("the context's value is %v", got)
			}
			time.Sleep(time.Second)
			return reply{err: dialError()}
		}
		log := &hookLog{}
		c := newLB(t, &strategy.Failover{}, fakes, 1, WithHooks(log))
		if _, err := c.ID(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		fakes[1].answer = hangs
		_, _ = c.Status(ctx, testCid(1), false)
		want := []string{
			"call ID: attempt 0 at a ended: 1s, : connection refused, cancelled false",
			"retried: attempt 0 at a, 1s, : connection refused",
			"call ID: attempt 1 at b ended: 0s, <nil>, cancelled false",
			"call ID ended: 2 attempts, 1s, <nil>",
			"call Status: attempt 0 at b ended: 1s, Status: context deadline exceeded, cancelled true",
			"call Status ended: 1 attempts, 1s, Status: 1 attempt failed: at b: Status: context deadline exceeded (after 1s)",
		}
		got := strings.ReplaceAll(strings.Join(log.lines, "\n"), " at fake:", ":")
		if got != strings.Join(want, "\n") {
			t.Errorf("reported\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
		if len(log.changeLog.events) != 1 || log.changeLog.events[0] != "- a" {
			t.Errorf("reported %v", log.changeLog.events)
		}
	})
}

func TestWithHooksRefusesOthers(t *testing.T) {
	_, err := New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithHooks(&hookLog{}, 7, nil))
	if err == nil || !strings.Contains(err.Error(), "hook 1 is a int") || !strings.Contains(err.Error(), "hook 2") || strings.Contains(err.Error(), "hook 0") {
		t.Errorf("got %v", err)
	}
}

// The error text merges attempts with the same endpoint and error.
func TestAttemptsErrorIsShort(t *testing.T) {
	dial := func(at string) error {
		return &client.Error{Op: client.OpID, Endpoint: at, Err: errors.New("connection refused")}
	}
	err := &AttemptsError{Op: client.OpID, Attempts: []Attempt{
		{"a", time.Second, dial("a")}, {"b", 0, dial("b")}, {"a", 2 * time.Second, dial("a")}, {"a", 0, dial("a")},
	}, Cause: ErrRetryBudget}
	want := "ID: 4 attempts failed: at a: connection refused (3 times, 3s in all); at b: connection refused (after 0s); not tried again: the retry budget is exhausted"
	if err.Error() != want {
		t.Errorf("text\n%s, want\n%s", err, want)
	}
}
