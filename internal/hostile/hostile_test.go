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

// Fuzz targets depend on the seeds: they must be there, and small.
func TestSeeds(t *testing.T) {
	bodies := map[string]bool{}
	for _, body := range Seeds() {
		if len(body) > maxSeed {
			t.Errorf("%d bytes", len(body))
		}
		bodies[string(body)] = true
	}
	if !bodies[`{"status":"ok"}`] || !bodies["default backend - 404"] || len(bodies) < 100 {
		t.Errorf("%d bodies, and known ones are missing", len(bodies))
	}
	chunked := slices.Collect(ChunkedSeeds())
	if len(chunked) < 40 || !slices.Contains(chunked, chunk(pin+"\n")+"0\r\nX-Stream-Error: \xff\xfe\r\n\r\n") {
		t.Errorf("%d chunked bodies, and a known one is missing", len(chunked))
	}
}
