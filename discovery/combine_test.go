package discovery_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// fake is a source that reports and fails on command.
type fake struct {
	tell    chan []*config.Config
	fail    chan error
	watched int
}

func newFake() *fake {
	return &fake{tell: make(chan []*config.Config), fail: make(chan error)}
}

func (f *fake) Watch(ctx context.Context, update func([]*config.Config)) error {
	f.watched++
	for {
		select {
		case cfgs := <-f.tell:
			update(cfgs)
		case err := <-f.fail:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const (
	a1 = "/ip4/10.0.0.1/tcp/9094"
	a2 = "/ip4/10.0.0.2/tcp/9094"
	a3 = "/ip4/10.0.0.3/tcp/9094"
)

// A fixed list is reported only once. It contains each address once, and leaves
// out elements without a usable address.
func TestStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := cfg(a1)
		l := listen(t, discovery.Static(first, cfg(a2), cfg(a1+"/http"), nil, &config.Config{URL: "http://10.0.0.2:9094"}, &config.Config{URL: "ftp://x"}))
		time.Sleep(time.Hour)
		l.expect(t, a1, a2)
		if cfgs, n := l.last(); n != 1 || cfgs[0] != first {
			t.Errorf("reported %d times: %v", n, cfgs)
		}
	})
}

// The union is in the order of the sources, with each address once. An
// unchanged union is not reported again.
func TestCombine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newFake(), newFake()
		l := listen(t, discovery.Combine(nil, x, y))
		y.tell <- []*config.Config{cfg(a2), cfg(a3)}
		l.expect(t, a2, a3)
		x.tell <- []*config.Config{cfg(a1), cfg(a2)}
		l.expect(t, a1, a2, a3)
		x.tell <- []*config.Config{cfg(a1)}
		l.expect(t, a1, a2, a3)
		y.tell <- []*config.Config{cfg(a3)}
		l.expect(t, a1, a3)
		before, n := l.last()
		y.tell <- []*config.Config{cfg(a3)}
		synctest.Wait()
		if after, m := l.last(); m != n || after[0] != before[0] {
			t.Errorf("reported %d times, want %d", m, n)
		}
	})
}

// A source that fails, or reports an empty list, keeps its endpoints. It is
// watched again, at growing intervals while it keeps failing.
func TestCombineKeepsWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, y := newFake(), newFake()
		l := listen(t, discovery.Combine(nil, x, y))
		x.tell <- []*config.Config{cfg(a1)}
		y.tell <- []*config.Config{cfg(a2)}
		x.tell <- nil
		l.expect(t, a1, a2)
		x.fail <- errors.New("broken")
		l.expect(t, a1, a2)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if x.watched != 2 {
			t.Fatalf("watched %d times, want 2", x.watched)
		}
		y.tell <- []*config.Config{cfg(a3)}
		l.expect(t, a1, a3)
		x.tell <- []*config.Config{cfg(a2)}
		l.expect(t, a2, a3)

		begin := time.Now()
		for range 10 {
			x.fail <- errors.New("broken")
		}
		if d := time.Since(begin); d < 2*time.Minute || d > 6*time.Minute {
			t.Errorf("ten failures took %v", d)
		}
		l.expect(t, a2, a3)
	})
}

func TestCombineNothing(t *testing.T) {
	for _, src := range []discovery.Source{discovery.Combine(nil), discovery.Combine(nil, nil)} {
		if err := src.Watch(t.Context(), nil); err == nil {
			t.Error("no error")
		}
	}
}

// The number of reported endpoints is limited.
func TestTooManyEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cfgs []*config.Config
		for i := range 3000 {
			cfgs = append(cfgs, &config.Config{Host: "10.0.0.1", Port: strconv.Itoa(10000 + i)})
		}
		l := listen(t, discovery.Static(cfgs...))
		synctest.Wait()
		if cfgs, _ := l.last(); len(cfgs) != 1000 {
			t.Errorf("reported %d", len(cfgs))
		}
	})
}
