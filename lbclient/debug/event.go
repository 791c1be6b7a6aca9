package debug

import (
	"strings"
	"time"
	"unicode/utf8"
)

// EventKind is the kind of an [Event].
type EventKind string

// The kinds of events.
const (
	Ejected           EventKind = "ejected"            // an endpoint was ejected
	Readmitted        EventKind = "readmitted"         // an endpoint was readmitted
	ProbeAnswered     EventKind = "probe answered"     // an ejected endpoint answered its probe
	ProbeFailed       EventKind = "probe failed"       // an ejected endpoint did not
	MembershipChanged EventKind = "membership changed" // endpoints were added or removed
	Retried           EventKind = "retried"            // a call continued after a failed attempt
	Hedged            EventKind = "hedged"             // an endpoint received a hedge
	BudgetExhausted   EventKind = "budget exhausted"   // a call failed for lack of retry budget
)

// Event is an event of the load balancer. Events about calls (Retried, Hedged and
// BudgetExhausted) are merged into one if they have the same kind, endpoint and operation
// and occur within a second.
type Event struct {
	// Seq is the sequence number, counted from 1.
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"` // time of the first merged event
	Kind  EventKind `json:"kind"`
	Count int       `json:"count"` // number of merged events, at least 1
	// Endpoint is the endpoint that was ejected, probed or readmitted, whose attempt
	// failed, or that received a hedge.
	Endpoint string `json:"endpoint,omitempty"`
	Op       string `json:"op,omitempty"`
	// Error is the error of the last merged event, truncated to about 2 KiB.
	Error string `json:"error,omitempty"`
	// For is the time from an ejection to the first probe, or the duration of a
	// probe.
	For time.Duration `json:"for_ns,omitempty"`
	// Added and Removed are the names of at most 64 endpoints each, followed by
	// "…" if there are more.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

const (
	// maxEvents is the maximum number of events in a log.
	maxEvents = 128
	// An event is merged into a similar event that is less than burst older and
	// among the last lookBack events of the log.
	burst    = time.Second
	lookBack = 16
	// maxError is the maximum length of an error text in bytes. The load balancer's
	// own errors are not longer.
	maxError = 2 << 10
	// maxNames is the maximum length of Event.Added and Event.Removed.
	maxNames = 64
)

// log holds the last events, oldest first.
type log []Event

func (l *log) add(e Event) {
	if len(*l) == maxEvents {
		*l = append((*l)[:0], (*l)[1:]...)
	}
	*l = append(*l, e)
}

// alike returns the recent event that e is to be merged into, or nil.
func (l log) alike(e Event) *Event {
	for i := len(l) - 1; i >= max(0, len(l)-lookBack); i-- {
		have := &l[i]
		if have.Kind == e.Kind && have.Endpoint == e.Endpoint && have.Op == e.Op && e.At.Sub(have.At) < burst {
			return have
		}
	}
	return nil
}

// textOf returns the text of err, truncated and as valid UTF-8.
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
