package sourcetest

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// patience is how long await waits. The machine may be busy.
const patience = time.Minute

// watcher records what a source reports.
type watcher struct {
	end  context.CancelCauseFunc
	done chan struct{} // closed when Watch has returned
	err  error         // what Watch returned

	updates chan struct{} // has an element after an update
	mu      sync.Mutex
	got     [][]*config.Config
	overlap atomic.Int32 // calls of update under way
	wrong   []string     // what the source must not do
}

// watch watches src until the end of the test.
func watch(t *testing.T, src discovery.Source) *watcher {
	ctx, end := context.WithCancelCause(t.Context())
	w := &watcher{end: end, done: make(chan struct{}), updates: make(chan struct{}, 1)}
	go func() {
		defer close(w.done)
		w.err = src.Watch(ctx, w.update)
	}()
	t.Cleanup(func() {
		end(nil)
		<-w.done
	})
	return w
}

func (w *watcher) update(cfgs []*config.Config) {
	if w.overlap.Add(1) > 1 {
		w.fault("update was called twice at once")
	}
	defer w.overlap.Add(-1)
	select {
	case <-w.done:
		w.fault("update was called after Watch had returned")
	default:
	}
	w.mu.Lock()
	w.got = append(w.got, slices.Clone(cfgs))
	w.mu.Unlock()
	select {
	case w.updates <- struct{}{}:
	default:
	}
}

func (w *watcher) fault(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, text)
}

// last returns the last report.
func (w *watcher) last() []*config.Config {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.got) == 0 {
		return nil
	}
	return w.got[len(w.got)-1]
}

// all returns the addresses of each report.
func (w *watcher) all() [][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all [][]string
	for _, cfgs := range w.got {
		all = append(all, texts(cfgs))
	}
	return all
}

// await waits until the last report has these addresses.
func (w *watcher) await(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		got := texts(w.last())
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-w.updates:
		case <-w.done:
			t.Fatalf("Watch returned %v after reporting %q, want %q", w.err, got, want)
		case <-timeout.C:
			t.Fatalf("the source reports %q, want %q", texts(w.last()), want)
		}
	}
}

// wait waits until Watch has returned, and returns its error.
func (w *watcher) wait(t *testing.T) error {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C:
		t.Fatal("Watch does not return after its context has ended")
	}
	return w.err
}

// check reports what the source did that no source may do.
func (w *watcher) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.wrong {
		t.Error(text)
	}
	for i, cfgs := range w.got {
		if len(cfgs) == 0 {
			t.Error("the source reported an empty list")
		}
		if i > 0 && slices.Equal(cfgs, w.got[i-1]) {
			t.Errorf("the source reported %q twice in a row", texts(cfgs))
		}
	}
}

func texts(cfgs []*config.Config) []string {
	var all []string
	for _, cfg := range cfgs {
		a, err := cfg.Address()
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, a.String())
	}
	return all
}

// Await watches src until the end of the test. It returns a function that waits,
// for up to a minute, until src reports the endpoints with these addresses, and
// then checks that src has kept the contract so far.
func Await(t *testing.T, src discovery.Source) func(want ...string) {
	w := watch(t, src)
	return func(want ...string) {
		t.Helper()
		w.await(t, want...)
		w.check(t)
	}
}
