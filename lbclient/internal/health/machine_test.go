package health

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/internal/chisquare"
)

func newMachine() *Machine { return New(Defaults(), 0) }

var (
	minEjection = Defaults().Ejection
	maxEjection = Defaults().MaxEjection
	maxFailures = Defaults().Failures
)

// ejectOnce ejects an admitted endpoint by a failed dial at now.
func ejectOnce(t *testing.T, h *Machine, now time.Duration) {
	t.Helper()
	p, ok := h.Enter()
	if !ok || !h.Record(p, Unreachable, now, 0) {
		t.Fatal("not ejected")
	}
}

// readmit readmits an ejected endpoint by a successful probe and trial.
func readmit(t *testing.T, h *Machine, now time.Duration) {
	t.Helper()
	if !h.Probed(true, now) {
		t.Fatal("not eligible")
	}
	p, ok := h.Try(false, now)
	if !ok || !h.Record(p, Success, now, 0) {
		t.Fatal("not readmitted")
	}
}

// Ejections get longer if the endpoint was admitted for less than a minute between them.
// After a minute, the sequence starts over with the shortest.
func TestEjectionsAreForgotten(t *testing.T) {
	h := newMachine()
	now := time.Duration(0)
	for i := range 5 {
		ejectOnce(t, h, now)
		if d, want := h.until-now, minEjection<<i; d < want/2 || d > want*3/2 {
			t.Errorf("ejection %d takes %s, want %s give or take half", i, d, want)
		}
		readmit(t, h, h.until)
		now = h.until + calmAfter - 1
	}
	now++
	ejectOnce(t, h, now)
	if d := h.until - now; d > minEjection*3/2 {
		t.Errorf("ejected for %s after a quiet minute", d)
	}
}

// An ejection lasts at least the peer's Retry-After, but not more than the maximum.
func TestEjectionHonoursRetryAfter(t *testing.T) {
	for _, asked := range []time.Duration{20 * time.Second, time.Hour} {
		h := newMachine()
		p, _ := h.Enter()
		h.Record(p, Unreachable, 0, asked)
		if want := min(asked, maxEjection); h.until != want {
			t.Errorf("asked for %s: ejected for %s, want %s", asked, h.until, want)
		}
	}
}

// The jitter is uniform over ±50 %.
func TestEjectionJitter(t *testing.T) {
	const n = 10000
	var tenths [10]int
	for range n {
		h := newMachine()
		ejectOnce(t, h, 0)
		d := h.until - minEjection/2
		if d < 0 || d >= minEjection {
			t.Fatalf("ejected for %s", h.until)
		}
		tenths[d*10/minEjection]++
	}
	chisquare.Check(t, "tenths of the range", tenths[:], chisquare.Even(len(tenths)))
}

// A success rate below 0.8 over 10 s, with at least 5 attempts, ejects an endpoint.
func TestSuccessRate(t *testing.T) {
	attempt := func(h *Machine, o Outcome, at time.Duration) bool {
		p, ok := h.Enter()
		return ok && h.Record(p, o, at, 0)
	}
	for _, test := range []struct {
		name     string
		outcomes string // s or f, one every interval
		interval time.Duration
		ejected  bool
	}{
		{"four of five", "ssssf", time.Second, false},
		{"three of five", "sssff", time.Second, true},
		{"three of four", "fssf", time.Second, false},
		{"eight of ten", "ssssfssssf", 100 * time.Millisecond, false},
		{"seven of ten", "ssssfsssff", 100 * time.Millisecond, true},
		{"spread out", "fsfsfsfsfsfsfsfsfsfs", 3 * time.Second, false},
		{"every other", "fsfsf", time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newMachine()
			ejected := false
			for i, o := range test.outcomes {
				ejected = attempt(h, map[rune]Outcome{'s': Success, 'f': Failure}[o], time.Duration(i)*test.interval) || ejected
			}
			if ejected != test.ejected {
				t.Errorf("ejected is %v", ejected)
			}
		})
	}
}

// After a readmission, earlier failures do not count.
func TestSuccessRateStartsAnew(t *testing.T) {
	h := newMachine()
	for range maxFailures {
		p, _ := h.Enter()
		h.Record(p, Failure, 0, 0)
	}
	if h.state != Ejected {
		t.Fatal("not ejected")
	}
	readmit(t, h, h.until)
	p, _ := h.Enter()
	if h.Record(p, Failure, h.until, 0) {
		t.Error("ejected by one failure")
	}
}

// A long call is a trial only if there was no short one for a while, and it does not prevent
// the trial of a short one.
func TestLongTrials(t *testing.T) {
	h := newMachine()
	ejectOnce(t, h, 0)
	now := h.until
	h.Probed(true, now)
	if _, ok := h.Try(true, now); ok {
		t.Error("a long trial at once")
	}
	now += LongTrialAfter
	long, ok := h.Try(true, now)
	if !ok {
		t.Fatal("no long trial")
	}
	if _, ok := h.Try(true, now); ok {
		t.Error("a second long trial")
	}
	short, ok := h.Try(false, now)
	if !ok || !h.Record(short, Success, now, 0) {
		t.Error("no short trial")
	}
	if h.Record(long, Failure, now, 0) || h.state != Admitted {
		t.Error("the long trial decides, too")
	}
}

// The invariants of the state machine hold under any sequence of events.
func TestHealthProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newMachine()
		now := time.Duration(0)
		var out []Permit
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			long := rapid.Bool().Draw(t, "long")
			before := h.state
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				now += time.Duration(rapid.IntRange(0, 90000).Draw(t, "ms")) * time.Millisecond
			case 1:
				if p, ok := h.Enter(); ok {
					if h.state != Admitted {
						t.Fatalf("entered an endpoint that is %s", h.state)
					}
					out = append(out, p)
				}
			case 2:
				out = append(out, h.Force(long))
			case 3:
				if p, ok := h.Try(long, now); ok {
					if h.state != Eligible || !p.trial {
						t.Fatalf("a trial of an endpoint that is %s", h.state)
					}
					out = append(out, p)
				}
			case 4:
				well := rapid.Bool().Draw(t, "well")
				changed := h.Probed(well, now)
				if changed != (before == Ejected && well) || changed != (h.state != before) {
					t.Fatalf("probed: %s to %s", before, h.state)
				}
			case 5:
				if len(out) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(out)-1).Draw(t, "which")
				p := out[i]
				out = slices.Delete(out, i, i+1)
				o := Outcome(rapid.IntRange(0, 3).Draw(t, "outcome"))
				if changed := h.Record(p, o, now, 0); changed != (h.state != before) {
					t.Fatalf("changed is %v: %s to %s", changed, before, h.state)
				}
			}
			trials := [2]int{}
			for _, p := range out {
				if p.trial && p.epoch() == h.epoch() {
					if p.long {
						trials[1]++
					} else {
						trials[0]++
					}
				}
			}
			for i, n := range trials {
				if n > 1 || h.trials[i] != (n == 1) || n > 0 && h.state != Eligible {
					t.Fatalf("trials %v, held %v, %s", trials, h.trials, h.state)
				}
			}
			if h.IsAdmitted() != (h.state == Admitted) || int(h.failures.Load()) >= maxFailures {
				t.Fatalf("%s, %d failures, admitted %v", h.state, h.failures.Load(), h.IsAdmitted())
			}
			if h.state == Ejected && h.until-now > maxEjection*3/2 {
				t.Fatalf("ejected for %s", h.until-now)
			}
		}
	})
}
