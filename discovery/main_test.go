package discovery_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The sources of this package are sources of the load balancer.
var _ lbclient.Source = discovery.Source(nil)

// listener records what a source reports.
type listener struct {
	mu      sync.Mutex
	reports [][]*config.Config
	got     chan struct{} // receives after a report; capacity 1
	done    chan error
}

// listen watches a source until the test ends.
func listen(t *testing.T, src discovery.Source) *listener {
	l := &listener{got: make(chan struct{}, 1), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.done <- src.Watch(ctx, l.update)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return l
}

func (l *listener) update(cfgs []*config.Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = append(l.reports, cfgs)
	select {
	case l.got <- struct{}{}:
	default:
	}
}

// last returns the last report and the number of reports.
func (l *listener) last() ([]*config.Config, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.reports) == 0 {
		return nil, 0
	}
	return l.reports[len(l.reports)-1], len(l.reports)
}

// expect fails unless the last report has these addresses. It needs a synctest
// bubble.
func (l *listener) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if cfgs, _ := l.last(); !slices.Equal(addrs(cfgs), want) {
		t.Fatalf("reported %q, want %q", addrs(cfgs), want)
	}
}

// await waits until the last report has these addresses, on the wall clock.
func (l *listener) await(t *testing.T, want ...string) {
	t.Helper()
	for {
		cfgs, _ := l.last()
		if slices.Equal(addrs(cfgs), want) {
			return
		}
		select {
		case <-l.got:
		case err := <-l.done:
			t.Fatalf("the source has ended: %v; reported %q, want %q", err, addrs(cfgs), want)
		case <-t.Context().Done():
			return
		}
	}
}

func addrs(cfgs []*config.Config) []string {
	var texts []string
	for _, cfg := range cfgs {
		a, err := cfg.Address()
		if err != nil {
			panic(err)
		}
		texts = append(texts, a.String())
	}
	return texts
}

func maddr(text string) multiaddr.Multiaddr { return multiaddr.StringCast(text) }

func cfg(text string) *config.Config { return &config.Config{APIAddr: maddr(text)} }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
