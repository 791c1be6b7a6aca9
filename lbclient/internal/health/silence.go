package health

import (
	"iter"
	"math"
	"time"
)

const (
	// Never is the time of a question that is not planned.
	Never = time.Duration(math.MaxInt64)
	// maxRest is the longest time between two questions while a silence lasts.
	maxRest = time.Minute
)

// Silence decides when an endpoint is asked whether it is alive. An attempt is silent
// since its last progress: since it began, or since its peer last sent or accepted
// something.
//
//	quiet ──silent for After──▶ asked ──After/2 later──▶ asked twice ──both missed──▶ dead
//	  ▲                           │                          │
//	  └────────────── any answer: the silence may last twice as long
//
// A deadline that a caller has set, and that passes without a sign of life, has the
// endpoint asked at once. Silence is not safe for concurrent use.
type Silence struct {
	After   time.Duration // silence before the first question; 0 means that none is asked
	Timeout time.Duration // time for each answer

	asked     int           // questions of the round; 0 if there is no round
	missed    int           // of those, the ones that were not answered
	second    time.Duration // time of the round's second question
	suspected bool          // a question is due without silence
	answered  time.Duration // last answer, if any is true
	any       bool
	rest      time.Duration // no round begins before this time
}

// Look reports whether a question is to be asked now, and counts it. next is the time at
// which Look must be called again, or Never. silent yields since when each attempt in
// progress has been silent.
func (s *Silence) Look(now time.Duration, silent iter.Seq[time.Duration]) (ask bool, next time.Duration) {
	switch {
	case s.asked == 1 && now < s.second:
		return false, s.second
	case s.asked == 1:
		s.asked++
		return true, Never
	case s.asked > 1:
		return false, Never
	}
	next = Never
	for since := range silent {
		next = min(next, s.due(since))
	}
	if s.suspected {
		next = now
	}
	if next = max(next, s.rest); next > now {
		return false, next
	}
	s.suspected = false
	s.asked, s.missed, s.second = 1, 0, now+s.After/2
	return true, s.second
}

// due returns when an attempt that has been silent since the given time requires a
// question. After an answer, the silence may last twice as long as it had lasted then.
func (s *Silence) due(since time.Duration) time.Duration {
	at := since + s.After
	if s.any && since < s.answered {
		at = max(at, s.answered+min(s.answered-since, maxRest))
	}
	return at
}

// Suspect has the endpoint asked at the next Look, because an attempt that began at the
// given time has ended without a sign of life. It does nothing if the endpoint has
// answered since, or is being asked.
func (s *Silence) Suspect(since time.Duration) {
	if s.asked == 0 && (!s.any || since >= s.answered) {
		s.suspected = true
	}
}

// Answered records the answer of a question.
func (s *Silence) Answered(now time.Duration) {
	s.answered, s.any = now, true
	s.rest = now + s.After/2
	s.asked, s.suspected = 0, false
}

// Missed records that a question was not answered. It reports whether the endpoint is
// dead.
func (s *Silence) Missed() (dead bool) {
	s.missed++
	if dead = s.missed == 2; dead {
		s.asked = 0
	}
	return dead
}

// Void ends the round without a result, because this side has failed.
func (s *Silence) Void(now time.Duration) {
	s.asked = 0
	s.rest = now + s.After/2
}

// IsAsking reports whether a round is in progress.
func (s *Silence) IsAsking() bool { return s.asked > 0 }
