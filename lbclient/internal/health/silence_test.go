package health

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const second = time.Second

func newSilence() *Silence { return &Silence{After: 3 * second, Timeout: 3 * second} }

// look calls Look for attempts that have been silent since the given times.
func look(t *testing.T, s *Silence, now time.Duration, wantAsk bool, wantNext time.Duration, silent ...time.Duration) {
	t.Helper()
	ask, next := s.Look(now, slices.Values(silent))
	if ask != wantAsk || next != wantNext {
		t.Errorf("at %s: asks %t, looks again at %s; want %t, %s", now, ask, next, wantAsk, wantNext)
	}
}

// Two questions without an answer show that the endpoint is dead.
func TestSilenceToDeath(t *testing.T) {
	s := newSilence()
	look(t, s, 0, false, Never)
	look(t, s, 0, false, 3*second, 0)
	look(t, s, 3*second, true, 4500*time.Millisecond, 0)
	look(t, s, 4*second, false, 4500*time.Millisecond, 0)
	look(t, s, 4500*time.Millisecond, true, Never, 0)
	look(t, s, 5*second, false, Never, 0)
	if s.Missed() {
		t.Error("dead after one question")
	}
	if !s.Missed() || s.IsAsking() {
		t.Error("not dead after two questions")
	}
	look(t, s, 7500*time.Millisecond, false, 8*second, 5*second) // an attempt that began later
}

// A first question that fails at once does not replace the second.
func TestSilenceWaitsForTheSecondQuestion(t *testing.T) {
	s := newSilence()
	look(t, s, 3*second, true, 4500*time.Millisecond, 0)
	if s.Missed() {
		t.Error("dead after one question")
	}
	look(t, s, 3*second, false, 4500*time.Millisecond, 0)
	look(t, s, 4500*time.Millisecond, true, Never, 0)
	if !s.Missed() {
		t.Error("not dead")
	}
}

// After an answer, an old silence may last twice as long. A new one is not affected.
func TestSilenceAfterAnswer(t *testing.T) {
	s := newSilence()
	look(t, s, 3*second, true, 4500*time.Millisecond, 0)
	s.Answered(3 * second)
	look(t, s, 3*second, false, 6*second, 0)
	look(t, s, 3*second, false, 5500*time.Millisecond, 0, 2500*time.Millisecond)
	look(t, s, 6*second, true, 7500*time.Millisecond, 0)
	s.Answered(6 * second)
	look(t, s, 6*second, false, 9*second, 0, 6*second)
	for now := 200 * second; now < 2000*second; now += 200 * second {
		s.Answered(now)
		look(t, s, now, false, now+maxRest, 0)
	}
}

// A deadline has the endpoint asked at once, without any attempt in progress, but not again
// for each attempt that began before the answer.
func TestSilenceOfDeadlines(t *testing.T) {
	s := newSilence()
	s.Suspect(0)
	look(t, s, second, true, 2500*time.Millisecond)
	s.Suspect(second)
	s.Answered(2 * second)
	look(t, s, 2*second, false, Never)
	s.Suspect(second)
	look(t, s, 2*second, false, Never)
	s.Suspect(2 * second)
	look(t, s, 3*second, false, 3500*time.Millisecond)
	look(t, s, 3500*time.Millisecond, true, 5*second)
}

// A round that failed on this side proves nothing, and is not repeated at once.
func TestVoidRound(t *testing.T) {
	s := newSilence()
	look(t, s, 3*second, true, 4500*time.Millisecond, 0)
	s.Missed()
	s.Void(4 * second)
	look(t, s, 4*second, false, 5500*time.Millisecond, 0)
	look(t, s, 5500*time.Millisecond, true, 7*second, 0)
	if s.Missed() {
		t.Error("the question of the void round counts")
	}
}

// For any sequence of events, a round has at most two questions, an endpoint that answers
// is never dead, and a silence that lasts is always noticed.
func TestSilenceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSilence()
		now, open, missed := time.Duration(0), 0, 0
		var silent []time.Duration
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				silent = append(silent, now)
			case 1:
				silent = nil
			case 2:
				s.Suspect(now)
			case 3:
				if open > 0 {
					s.Answered(now)
					open, missed = 0, 0
				}
			case 4:
				if open > missed {
					missed++
					dead := s.Missed()
					if dead != (missed == 2) {
						t.Fatalf("dead is %t after %d missed", dead, missed)
					}
					if dead {
						open, missed = 0, 0
					}
				}
			case 5:
				if open > 0 {
					s.Void(now)
					open, missed = 0, 0
				}
			}
			ask, next := s.Look(now, slices.Values(silent))
			if ask {
				open++
			}
			if open > 2 || s.IsAsking() != (open > 0) {
				t.Fatalf("%d questions in a round, asking is %t", open, s.IsAsking())
			}
			if next <= now {
				t.Fatalf("looks again at %s, and it is %s", next, now)
			}
			if len(silent) > 0 && open < 2 && next == Never || len(silent) > 0 && open == 0 && next > now+2*maxRest {
				t.Fatalf("nobody looks again: %s", next)
			}
		}
	})
}
