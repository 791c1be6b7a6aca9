package pinset

import (
	"errors"
	"fmt"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// ItemError reports that the work on one item failed. It is not the end of the loop.
type ItemError struct {
	// Op is the operation that failed.
	Op client.Op
	// Cid is the item.
	Cid api.Cid
	// Err is the cause, usually a [*client.Error]. It is not nil in errors of this
	// package.
	Err error
}

// Error returns one line with the CID and the cause.
func (e *ItemError) Error() string {
	item := "an item without a CID"
	if e.Cid.Defined() {
		item = e.Cid.String()
	}
	if e.Err == nil {
		return fmt.Sprintf("%s: %s failed", item, e.Op)
	}
	return fmt.Sprintf("%s: %s", item, e.Err)
}

// Unwrap returns the cause.
func (e *ItemError) Unwrap() error { return e.Err }

// maxLineText is the maximum size of the part of a line in an error, in bytes.
const maxLineText = 100

// LineError reports a line that [Import] cannot read. It is not the end of the loop.
type LineError struct {
	// Line is the number of the line, counted from 1.
	Line int
	// Text is the beginning of the line.
	Text string
	// Err is the cause. It is not nil in errors of this package.
	Err error
}

// Error returns one line with the number, the cause and the beginning of the text.
func (e *LineError) Error() string {
	cause := "it cannot be read"
	if e.Err != nil {
		cause = e.Err.Error()
	}
	return fmt.Sprintf("line %d: %s: %q", e.Line, oneline.Text(cause, 10*maxLineText), oneline.Text(e.Text, maxLineText))
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// ErrNotDeleted is wrapped by the last error of a [Sync] with [WithDelete] that has left
// extra pins in the cluster.
var ErrNotDeleted = errors.New("nothing was deleted")

// NotDeletedError reports why a [Sync] with [WithDelete] has deleted nothing. It is the
// last pair of the loop.
type NotDeletedError struct {
	// Extra is the number of pins that the source does not have.
	Extra int
	// Pins is the number of pins in the cluster that may be deleted: those of
	// api.DataType.
	Pins int
	// Errors is the number of errors before. If it is 0, Extra is more than the share
	// of Pins that may be deleted.
	Errors int
	// MaxDelete is that share.
	MaxDelete float64
}

// Error returns one line with the reason and the remedy.
func (e *NotDeletedError) Error() string {
	if e.Errors > 0 {
		return fmt.Sprintf("%s, because of %d errors before: %d extra pins are left; sync again once the errors are mended", ErrNotDeleted, e.Errors, e.Extra)
	}
	return fmt.Sprintf("%s: the source lacks %d of the %d pins, more than %.4g %%; check the source, or allow a larger share", ErrNotDeleted, e.Extra, e.Pins, 100*e.MaxDelete)
}

// Unwrap returns ErrNotDeleted.
func (e *NotDeletedError) Unwrap() error { return ErrNotDeleted }
