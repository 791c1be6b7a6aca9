package pinset

import (
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/internal/panics"
)

// The table of a Diff or Sync is outside of the Go heap, and so must be freed even if the
// report at the end panics.
func TestDifferEndsWithAPanic(t *testing.T) {
	d := newDiffer(nil, newTally(&options{progress: func(Progress) { panic("oops") }}))
	d.table.Put(cid.Undef, 0)
	if panics.Catch(d.end) == nil || d.table.Len() > 0 {
		t.Errorf("%d CIDs in the table", d.table.Len())
	}
}
