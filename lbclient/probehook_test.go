package lbclient

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/strategy"
)

// probeLog is a ProbeHook that records the probes, and then panics if it should.
type probeLog struct {
	mu     sync.Mutex
	probes []ProbeEvent
	panics bool
}

func (l *probeLog) EndpointProbed(e ProbeEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probes = append(l.probes, e)
	if l.panics {
		panic("hook")
	}
}

// Each probe is reported with its duration and its error. A 404 is no error. A hook that
// panics does not change the result of a probe.
func TestProbesAreReported(t *testing.T) {
	for _, panics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			fakes := newFakes(2)
			fakes[0].answer = failsOnce(dialError())
			answers := []error{dialError(), statusError(404)}
			fakes[0].health = func(context.Context) error {
				time.Sleep(10 * time.Millisecond)
				err := answers[0]
				answers = answers[1:]
				return err
			}
			log := &probeLog{panics: panics}
			c := newLB(t, &strategy.Failover{}, fakes, 1, WithHooks(log))
			if _, err := c.ID(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			log.mu.Lock()
			defer log.mu.Unlock()
			var errs []bool
			for _, e := range log.probes {
				errs = append(errs, e.Err != nil)
				if e.Endpoint != "a" || e.Duration != 10*time.Millisecond {
					t.Errorf("probe of %s took %v", e.Endpoint, e.Duration)
				}
			}
			if !slices.Equal(errs, []bool{true, false}) {
				t.Errorf("the probes failed: %v", errs)
			}
			if state := c.Endpoints()[0].State; state != Eligible {
				t.Errorf("the endpoint is %s", state)
			}
		})
	}
}

func TestStrategyName(t *testing.T) {
	for want, s := range map[string]strategy.LBStrategy{"strategy.Failover": &strategy.Failover{}, "lbclient.watched": &watched{}} {
		if got := newLB(t, s, newFakes(1), 0).Strategy(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
