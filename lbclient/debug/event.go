package debug

import (
	"strings"
	"time"
	"unicode/utf8"
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	Ejected           EventKind = "ejected"
	Readmitted        EventKind = "readmitted"
	MembershipChanged EventKind = "membership changed"
	Retried           EventKind = "retried"
	Hedged            EventKind = "hedged"
	BudgetExhausted   EventKind = "budget exhausted"
)

// Event is something that happened, or several alike within a second.
type Event struct {
	// Seq numbers the events from 1.
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"` // of the first
	Kind  EventKind `json:"kind"`
	Count int       `json:"count"`
	// Endpoint is where: the one ejected or readmitted, the one whose attempt
	// failed, the one that was sent a hedge.
	Endpoint string `json:"endpoint,omitempty"`
	Op       string `json:"op,omitempty"`
	// Error is why, bounded in length; of the last.
	Error string `json:"error,omitempty"`
	// For is how long an endpoint is ejected at least.
	For     time.Duration `json:"for_ns,omitempty"`
	Added   []string      `json:"added,omitempty"`
	Removed []string      `json:"removed,omitempty"`
}

const (
	// maxEvents is how many events a log keeps.
	maxEvents = 128
	// Events alike are one if less than burst apart, and not further back in
	// the log than lookBack.
	burst    = time.Second
	lookBack = 16
	// maxError bounds the texts of errors, in bytes.
	maxError = 1 << 10
	// maxNames bounds the lists of names of an event.
	maxNames = 64
)

// log is the last events, the oldest first.
type log []Event

func (l *log) add(e Event) {
	if len(*l) == maxEvents {
		*l = append((*l)[:0], (*l)[1:]...)
	}
	*l = append(*l, e)
}

// alike returns a recent event of the same kind, endpoint and operation, nil
// if there is none.
func (l log) alike(e Event) *Event {
	for i := len(l) - 1; i >= max(0, len(l)-lookBack); i-- {
		have := &l[i]
		if have.Kind == e.Kind && have.Endpoint == e.Endpoint && have.Op == e.Op && e.At.Sub(have.At) < burst {
			return have
		}
	}
	return nil
}

// textOf returns the text of err, bounded and valid UTF-8.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return bounded(err.Error())
}

func bounded(text string) string {
	if len(text) > maxError {
		cut := maxError
		for cut > maxError-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
