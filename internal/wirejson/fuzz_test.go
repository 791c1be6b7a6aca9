package wirejson

import (
	"testing"

	"github.com/pinfleet/pinfleet/internal/hostile"
)

// fuzz checks that Decode returns the same value as encoding/json for every
// document that it accepts. Each document is decoded by a new Decoder, and by
// one that has decoded the documents before it, so that its tables are tested
// too.
func fuzz(f *testing.F, typ string) {
	for _, doc := range goldenDocuments(f, typ) {
		f.Add(doc)
	}
	for _, body := range hostile.Seeds() {
		f.Add(body)
	}
	for _, docs := range []map[string][]string{ordinary, extraordinary} {
		for _, doc := range docs[typ] {
			if len(doc) < 4096 {
				f.Add([]byte(doc))
			}
		}
	}
	var kept Decoder
	f.Fuzz(func(t *testing.T, document []byte) {
		if check(t, new(Decoder), typ, document) != check(t, &kept, typ, document) {
			t.Fatalf("%s %q: it depends on what was decoded before whether it is taken", typ, document)
		}
		if !check(t, &kept, typ, document) {
			return
		}
		if !check(t, &kept, typ, []byte(" "+string(document)+"\n")) {
			t.Fatalf("%s %q with space around is not taken", typ, document)
		}
	})
}

func FuzzPin(f *testing.F)           { fuzz(f, "Pin") }
func FuzzGlobalPinInfo(f *testing.F) { fuzz(f, "GlobalPinInfo") }
func FuzzID(f *testing.F)            { fuzz(f, "ID") }
func FuzzAddedOutput(f *testing.F)   { fuzz(f, "AddedOutput") }
