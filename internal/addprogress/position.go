// Package addprogress removes the repetitions from the progress that the attempts of an
// add report.
package addprogress

import "math"

// A Position is how far the delivered progress of an add has come. A repeated add
// reads its files again, in the same order, and reports their progress from the
// beginning. The position says which of these reports are new.
//
// Files may report their progress in turn with their CIDs, or all before the first CID.
// The reports of two attempts may have different steps, and need not agree in this.
//
// The zero value is the beginning of the first attempt.
type Position struct {
	file  string // of the last report that was delivered
	bytes uint64 // of that report; math.MaxUint64 if the CID of the file was delivered too
	begun bool   // a report was delivered

	again  bool // this is not the first attempt
	seen   bool // this attempt has come to file
	passed bool // this attempt has come further than the ones before
}

// Repeat begins another attempt.
func (p *Position) Repeat() { p.again, p.seen, p.passed = true, false, false }

// IsNew reports whether the progress of an attempt was not delivered by an earlier
// attempt. All progress of the first attempt is new.
func (p *Position) IsNew(file string, bytes uint64) bool {
	switch {
	case !p.again || !p.begun || p.passed:
		return true
	case file == p.file:
		p.seen = true
		p.passed = bytes > p.bytes
	default:
		p.passed = p.seen // this file comes after the last one
	}
	return p.passed
}

// Delivered records the delivery of progress that is new.
func (p *Position) Delivered(file string, bytes uint64) {
	p.file, p.bytes, p.begun = file, bytes, true
}

// Complete records that the attempt has reported the CID of a file, after which no
// progress of this file follows. known is set if an earlier attempt has delivered the
// CID of a later file.
func (p *Position) Complete(file string, known bool) {
	if p.begun && file == p.file && !known {
		p.bytes, p.passed = math.MaxUint64, true
	}
}
