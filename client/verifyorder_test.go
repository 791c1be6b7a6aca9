package client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// events is a unixfs.Sink that keeps the events.
type events []unixfs.Event

func (s *events) Put(cid.Cid, []byte) error { return nil }

func (s *events) Emit(e unixfs.Event) error {
	*s = append(*s, e)
	return nil
}

// expecting returns a verifier of an upload that was sent, and the outputs that it
// expects.
func expecting(t *testing.T, upload files.Directory) (*verifier, []unixfs.Event) {
	t.Helper()
	v := newVerifier("", api.DefaultAddParams(), false)
	var all events
	if _, err := unixfs.Import(t.Context(), upload, v.params, &all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if err := v.Emit(e); err != nil {
			t.Fatal(err)
		}
	}
	v.read = true
	return v, all
}

func reportAll(v *verifier, all []unixfs.Event) error {
	for _, e := range all {
		if err := v.check(&api.AddedOutput{Name: e.Name, Cid: api.NewCid(e.Cid)}); err != nil {
			return err
		}
	}
	return v.finish()
}

// TestDirectoriesInAnyOrder: a server that does not split large directories reports
// the directories inside in another order. Each output was searched for from the
// beginning, so that 20,000 directories took 20 s, during which neither the context
// nor Close ended the add.
func TestDirectoriesInAnyOrder(t *testing.T) {
	const n = 20_000
	inside := make([]files.DirEntry, n)
	for i := range inside {
		inside[i] = sub(fmt.Sprintf("d%05d", i))
	}
	v, all := expecting(t, dirOf(sub("t", inside...)))
	for i := range n / 2 { // the last one is t
		all[i], all[n-1-i] = all[n-1-i], all[i]
	}
	if err := reportAll(v, all); err != nil {
		t.Error(err)
	}
}

// TestDirectoryPassedOver: a directory may be reported after others, but it must come
// before the one that contains it. The output of that one was delivered although the
// report of one inside was missing. That was noticed at the end, and then a load
// balancer could not repeat the add, because no good peer reports in this order.
func TestDirectoryPassedOver(t *testing.T) {
	upload := func() files.Directory {
		return dirOf(sub("t", sub("a"), sub("b"), sub("\xff"), sub("\xfe")), sub("t", text("f", "")))
	}
	_, all := expecting(t, upload()) // t/a, t/b, two others, t, t/f, t
	if len(all) != 7 {
		t.Fatalf("%d outputs are expected, want 7", len(all))
	}
	for _, tc := range []struct {
		name  string
		order []int
		lost  string // empty if the report is right
	}{
		{"in order", []int{0, 1, 2, 3, 4, 5, 6}, ""},
		{"reversed", []int{1, 2, 3, 0, 4, 5, 6}, ""},
		{"after the one that contains it", []int{0, 2, 3, 4, 1, 5, 6}, "t/b"},
		{"after a file", []int{0, 2, 3, 5, 1, 4, 6}, "t"},
		{"missing", []int{0, 2, 3, 4, 5, 6}, "t/b"},
		{"missing at the end", []int{0, 1, 2, 3, 4, 5}, "t"},
		{"twice", []int{0, 0, 1, 2, 3, 4, 5, 6}, "t/b"},
		{"passed over, then twice", []int{1, 0, 0, 2, 3, 4, 5, 6}, "t/\xfe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, all := expecting(t, upload())
			var report []unixfs.Event
			for _, i := range tc.order {
				e := all[i]
				e.Name = reportedName(e.Name)
				report = append(report, e)
			}
			err := reportAll(v, report)
			var m *MismatchError
			switch {
			case tc.lost == "" && err != nil:
				t.Error(err)
			case tc.lost != "" && (!errors.As(err, &m) || m.Name != tc.lost):
				t.Errorf("got the error %v, want one about %q", err, tc.lost)
			}
		})
	}
}
