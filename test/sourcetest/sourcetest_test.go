package sourcetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// faultVariable names the fault that TestSuite gives the source.
const faultVariable = "PINFLEET_SOURCETEST_FAULT"

// faults are what no source may do, and the test of the suite that finds it.
var faults = map[string]string{
	"empty list":     "keeps_the_last_endpoints",
	"twice":          "reports_what_is_there,_once",
	"no changes":     "follows_changes",
	"new pointers":   "keeps_the_pointer_of_an_endpoint",
	"no error":       "ends_with_the_context's_cause",
	"watched once":   "is_watched_twice_at_once,_and_again",
	"ends in outage": "outlives_an_outage",
}

// A source that keeps the contract passes the suite. One that does not fails the test
// that is for it.
func TestSuiteFindsFaults(t *testing.T) {
	for fault, test := range faults {
		run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$")
		run.Env = append(os.Environ(), faultVariable+"="+fault)
		out, err := run.CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), "--- FAIL: TestSuite/"+test) {
			t.Errorf("%s: %v\n%s", fault, err, out)
		}
	}
}

func TestSuite(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, test func(*testing.T, sourcetest.Service)) {
		synctest.Test(t, func(t *testing.T) {
			s := &source{fault: os.Getenv(faultVariable), changed: make(chan struct{}), cfgs: make(map[string]*config.Config)}
			test(t, sourcetest.Service{
				Source: s, Addrs: []string{"/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.3/tcp/1"},
				Set:   func(_ *testing.T, addrs ...string) { s.set(func() { s.addrs = addrs }) },
				Break: func(*testing.T) { s.set(func() { s.broken = true }) },
				Mend:  func(*testing.T) { s.set(func() { s.broken = false }) },
			})
		})
	})
}

// source reports what it was set to, with a fault if that is not empty.
type source struct {
	fault string

	mu      sync.Mutex
	addrs   []string
	broken  bool
	watched bool
	changed chan struct{} // closed by the next change
	cfgs    map[string]*config.Config
}

func (s *source) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// now returns the endpoints, and a channel that is closed when they change.
func (s *source) now() (cfgs []*config.Config, broken bool, changed chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, addr := range s.addrs {
		if s.cfgs[addr] == nil || s.fault == "new pointers" {
			s.cfgs[addr] = &config.Config{APIAddr: multiaddr.StringCast(addr)}
		}
		cfgs = append(cfgs, s.cfgs[addr])
	}
	return cfgs, s.broken, s.changed
}

func (s *source) Watch(ctx context.Context, update func([]*config.Config)) error {
	s.mu.Lock()
	again := s.watched
	s.watched = true
	s.mu.Unlock()
	if again && s.fault == "watched once" {
		return errors.New("the source is watched already")
	}
	var last []*config.Config
	for {
		cfgs, broken, changed := s.now()
		switch {
		case broken && s.fault == "ends in outage":
			return errors.New("the service cannot be reached")
		case broken, slices.Equal(cfgs, last), len(cfgs) == 0 && s.fault != "empty list", last != nil && s.fault == "no changes":
		default:
			last = cfgs
			update(slices.Clone(cfgs))
			if s.fault == "twice" {
				update(slices.Clone(cfgs))
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if s.fault == "no error" {
				return nil
			}
			return context.Cause(ctx)
		}
	}
}
