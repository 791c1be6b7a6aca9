// Package sourcetest is the contract of discovery.Source as one suite of tests.
// Every source of this module passes it. Run it on a source of your own:
//
//	func TestContract(t *testing.T) {
//		sourcetest.Run(t, func(t *testing.T, test func(*testing.T, sourcetest.Service)) {
//			r := newRegistry(t)
//			test(t, sourcetest.Service{
//				Source: mysource.New(r),
//				Addrs:  []string{"/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094", "/ip4/10.0.0.3/tcp/9094"},
//				Set:    r.set,
//			})
//		})
//	}
package sourcetest

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// Service is what a source finds its endpoints in, and the source.
type Service struct {
	// Source is the source under test. It is watched several times, also at once.
	Source discovery.Source
	// Addrs are the addresses of three endpoints, in the order in which the source
	// reports them.
	Addrs []string
	// Set makes the service hold the endpoints with these addresses and no other. It
	// adds what is missing before it removes what is too many. Before the first Set,
	// the service holds none. Nil means that the source always reports all of Addrs,
	// and skips the tests of changes.
	Set func(t *testing.T, addrs ...string)
	// Break cuts the source off from the service, and Mend ends that. Nil skips the
	// test of an outage.
	Break, Mend func(t *testing.T)
	// Settle is how long the source takes to look at the service again. A test waits
	// for it where a source that keeps the contract does nothing. 0 means 200 ms; in a
	// synctest bubble, any duration takes no time.
	Settle time.Duration
}

// tests are the suite.
var tests = []struct {
	name string
	run  func(t *testing.T, s Service)
}{
	{"reports what is there, once", testReports},
	{"follows changes", testChanges},
	{"keeps the last endpoints", testKeepsLast},
	{"keeps the pointer of an endpoint", testPointers},
	{"ends with the context's cause", testEnds},
	{"is watched twice at once, and again", testWatchedAgain},
	{"outlives an outage", testOutage},
}

// Run runs the suite. setup makes a new service for each test and calls test with
// it. A setup that calls test in a synctest bubble makes the waits take no time;
// otherwise Run polls for up to a minute.
func Run(t *testing.T, setup func(t *testing.T, test func(t *testing.T, s Service))) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			called := false
			setup(t, func(t *testing.T, s Service) {
				called = true
				if len(s.Addrs) != 3 || s.Source == nil {
					t.Fatal("a Service needs a Source and three Addrs")
				}
				test.run(t, s)
			})
			if !called && !t.Skipped() {
				t.Error("setup did not call test")
			}
		})
	}
}

// set calls Set, or skips the test if there is none.
func (s Service) set(t *testing.T, is ...int) []string {
	t.Helper()
	if s.Set == nil {
		t.Skip("the endpoints of this source do not change")
	}
	addrs := s.some(is...)
	s.Set(t, addrs...)
	return addrs
}

// some returns the addresses with these indexes.
func (s Service) some(is ...int) []string {
	var addrs []string
	for _, i := range is {
		addrs = append(addrs, s.Addrs[i])
	}
	return addrs
}

func testReports(t *testing.T, s Service) {
	if s.Set != nil {
		s.Set(t, s.Addrs...)
	}
	w := watch(t, s.Source)
	w.await(t, s.Addrs...)
	w.check(t)
}

func testChanges(t *testing.T, s Service) {
	w := watch(t, s.Source)
	for _, is := range [][]int{{1}, {1, 2}, {0, 1, 2}, {0, 2}, {2}, {0}, {0, 1, 2}} {
		w.await(t, s.set(t, is...)...)
	}
	w.check(t)
}

// A service that holds nothing any more, for example because it was emptied by
// mistake, leaves the last endpoints in use.
func testKeepsLast(t *testing.T, s Service) {
	w := watch(t, s.Source)
	w.await(t, s.set(t, 0, 1)...)
	s.Set(t)
	s.settle(t)
	w.await(t, s.set(t, 0, 1, 2)...)
	w.check(t) // no empty list among the reports
}

func testPointers(t *testing.T, s Service) {
	w := watch(t, s.Source)
	w.await(t, s.set(t, 1)...)
	first := w.last()[0]
	w.await(t, s.set(t, 0, 1, 2)...)
	if w.last()[1] != first {
		t.Error("an endpoint that stayed has another configuration")
	}
	w.await(t, s.set(t, 1, 2)...)
	if w.last()[0] != first {
		t.Error("an endpoint that stayed has another configuration")
	}
}

func testEnds(t *testing.T, s Service) {
	if s.Set != nil {
		s.Set(t, s.Addrs...)
	}
	w := watch(t, s.Source)
	w.await(t, s.Addrs...)
	cause := errors.New("the test ends the watch")
	w.end(cause)
	err := w.wait(t)
	if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("Watch returned %v, want the context's error", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := s.Source.Watch(ended, func([]*config.Config) {}); err == nil {
		t.Error("Watch with an ended context returned no error")
	}
	w.check(t)
}

func testWatchedAgain(t *testing.T, s Service) {
	if s.Set != nil {
		s.Set(t, s.Addrs...)
	}
	first, second := watch(t, s.Source), watch(t, s.Source)
	first.await(t, s.Addrs...)
	second.await(t, s.Addrs...)
	first.end(nil)
	_ = first.wait(t) // testEnds checks the error
	third := watch(t, s.Source)
	third.await(t, s.Addrs...)
	if s.Set != nil {
		s.set(t, 0, 2)
		second.await(t, s.some(0, 2)...)
		third.await(t, s.some(0, 2)...)
	}
	for _, w := range []*watcher{first, second, third} {
		w.check(t)
	}
}

// While the service cannot be reached, nothing changes; what changed meanwhile is
// reported afterwards.
func testOutage(t *testing.T, s Service) {
	if s.Break == nil || s.Mend == nil {
		t.Skip("this source cannot be cut off")
	}
	w := watch(t, s.Source)
	w.await(t, s.set(t, 0, 1)...)
	before := len(w.all())
	s.Break(t)
	s.set(t, 1, 2)
	s.settle(t)
	if n := len(w.all()); n != before {
		t.Errorf("the source reported %q while it was cut off", w.all()[before:])
	}
	s.Mend(t)
	w.await(t, s.some(1, 2)...)
	w.await(t, s.set(t, 0, 1, 2)...)
	w.check(t)
}

// settle gives the source time to do what it should not do.
func (s Service) settle(t *testing.T) {
	timer := time.NewTimer(cmp.Or(s.Settle, 200*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
