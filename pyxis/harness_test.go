package pyxis_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs test on virtual time, with a service in memory.
func inBubble(t *testing.T, opts pyxistest.Options, test func(t *testing.T, s *pyxistest.Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Network = pyxistest.Memory
		test(t, pyxistest.New(t, opts))
	})
}

// recorder is a watcher that has room for all events.
type recorder struct {
	pyxis.Watcher
}

func newRecorder() *recorder {
	return &recorder{pyxis.Watcher{Done: make(chan *watch.Event, 1000)}}
}

// take returns the events since the last call, once all goroutines are blocked.
func (r *recorder) take() []string {
	synctest.Wait()
	var events []string
	for {
		select {
		case e := <-r.Done:
			events = append(events, e.String())
		default:
			return events
		}
	}
}

// expect fails unless exactly these events have arrived.
func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := r.take(); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

// start returns a client of the service, which is closed at the end of the
// test, and the recorder of its default watcher.
func start(t *testing.T, s *pyxistest.Cluster, opt pyxis.Options) (*pyxis.Client, *recorder) {
	t.Helper()
	r := newRecorder()
	if opt.DefaultWatcher == nil {
		opt.DefaultWatcher = &r.Watcher
	}
	if opt.Dial == nil {
		opt.Dial = s.DialContext
	}
	c := pyxis.NewClient(s.Addrs(), &opt)
	t.Cleanup(func() { _ = c.Close() })
	return c, r
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustBe fails the test unless err wraps all of want, or is nil if want is
// empty.
func mustBe(t testing.TB, err error, want ...error) {
	t.Helper()
	if len(want) == 0 && err != nil {
		t.Errorf("error %v", err)
	}
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("error %v, want %v", err, w)
		}
	}
}

// within returns a view of c whose calls end after d.
func within(t testing.TB, c *pyxis.Client, d time.Duration) *pyxis.Client {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return c.WithContext(ctx)
}

// elapsed returns how long f took.
func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// mentions reports whether the text of err contains s.
func mentions(err error, s string) bool { return err != nil && strings.Contains(err.Error(), s) }

// countingHandler is a log handler that counts records by message.
type countingHandler struct {
	mu       sync.Mutex
	messages []string
}

func (h *countingHandler) logger() *slog.Logger {
	return slog.New(h)
}

func (h *countingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *countingHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *countingHandler) WithGroup(string) slog.Handler            { return h }

func (h *countingHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = append(h.messages, r.Message)
	return nil
}

// count returns the number of messages that contain s.
func (h *countingHandler) count(s string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, m := range h.messages {
		if strings.Contains(m, s) {
			n++
		}
	}
	return n
}
