package pinset

import (
	"sync/atomic"
	"time"

	"github.com/pinfleet/pinfleet/internal/cidtable"
)

// Progress describes how far the work is.
type Progress struct {
	// Listed is the number of pins that the cluster has listed, in Diff, Sync and Audit.
	Listed int
	// Read is the number of items that the source has supplied, without those that it
	// could not read.
	Read int
	// Done is the number of items that were worked on with success. In Diff and Audit,
	// it is the number of differences and findings.
	Done int
	// Failed is the number of errors in the loop.
	Failed int
	// Extra is the number of pins that the source does not have, in Diff and Sync. It is
	// 0 until the source has ended.
	Extra int
	// Limit is the number of calls that may currently be in flight. It is 0 in Diff and
	// Audit, which make no call for an item.
	Limit int
	// Memory is the number of bytes outside of the Go heap that Diff, Sync or Audit holds.
	// The statistics of package runtime do not count it.
	Memory int64
}

// progressInterval is the minimum time between two reports of progress.
const progressInterval = 100 * time.Millisecond

// tally counts the work and reports the progress. Only the goroutine of the loop may
// call its methods and use its plain fields.
type tally struct {
	report       func(Progress)
	limit        *limit // nil if there is none
	reported     time.Time
	done, failed int

	// Written by the goroutine that runs the source, which may be another one.
	listed, read, extra atomic.Int64
	memory              cidtable.Memory
}

func newTally(o *options) *tally { return &tally{report: o.progress} }

func (t *tally) progress() Progress {
	p := Progress{
		Listed: int(t.listed.Load()), Read: int(t.read.Load()), Extra: int(t.extra.Load()),
		Done: t.done, Failed: t.failed, Memory: t.memory.Mapped(),
	}
	if t.limit != nil {
		p.Limit = t.limit.size()
	}
	return p
}

// count counts an item with its error.
func (t *tally) count(err error) {
	if err != nil {
		t.failed++
	} else {
		t.done++
	}
	t.tick()
}

// tick reports the progress unless that was done a short while ago.
func (t *tally) tick() {
	if now := time.Now(); now.Sub(t.reported) >= progressInterval {
		t.reported = now
		t.report(t.progress())
	}
}

// end reports the progress at the end.
func (t *tally) end() { t.report(t.progress()) }
