package hostile

import (
	"slices"
	"testing"
)

// The names must be unique, because failures of tests are identified by them, and
// Flood must recognise floods.
func TestAll(t *testing.T) {
	all := All()
	if len(all) < 120 {
		t.Errorf("%d answers", len(all))
	}
	var names []string
	floods := 0
	for _, a := range all {
		if slices.Contains(names, a.Name) {
			t.Errorf("two answers are named %q", a.Name)
		}
		names = append(names, a.Name)
		if a.Flood() {
			floods++
		}
		if (a.Size != 0) != (a.Repeat != "") {
			t.Errorf("%s: Size %d, Repeat %q", a.Name, a.Size, a.Repeat)
		}
	}
	if floods == 0 {
		t.Error("no flood")
	}
}

func TestPieces(t *testing.T) {
	var sent []byte
	for piece := range (Answer{Wire: "[", Repeat: `"########",`, Size: 100_000, Tail: "]"}).Pieces() {
		sent = append(sent, piece...)
	}
	if n := len(sent); n < 100_002 || n > 100_002+block {
		t.Errorf("%d bytes", n)
	}
	if begin := string(sent[:23]); begin != `["00000000","00000001",` {
		t.Error(begin)
	}
	if string(sent[len(sent)-2:]) != ",]" {
		t.Error("no tail")
	}
	for piece := range (Answer{Repeat: "x", Size: Endless, Slow: true}).Pieces() {
		if string(piece) != "x" {
			t.Errorf("%q", piece)
		}
		break
	}
}
