package wirejson

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/pinfleet/pinfleet/api"
)

const (
	textCid   = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	textCidV1 = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
	textPeer  = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"
	textPeer2 = "12D3KooWGcLX1k8e47ZeBULjF7y1U2VDAPPA9Bhwj1hdKn4SX6TY"
	textAddr  = "/ip4/127.0.0.1/tcp/4001/p2p/" + textPeer
)

// newOf returns a new target for each type that Decode supports.
var newOf = map[string]func() any{
	"Pin":           func() any { return new(api.Pin) },
	"GlobalPinInfo": func() any { return new(api.GlobalPinInfo) },
	"ID":            func() any { return new(api.ID) },
	"AddedOutput":   func() any { return new(api.AddedOutput) },
}

// goldenDocuments returns the distinct documents of a type that real peers
// sent.
func goldenDocuments(t testing.TB, typ string) [][]byte {
	t.Helper()
	f, err := os.Open("../../api/testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var doc struct{ Type, Body string }
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Type == typ {
			docs = append(docs, []byte(doc.Body))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		t.Fatalf("no golden document of type %s", typ)
	}
	return docs
}

// tester is a testing.TB or *rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// check compares Decode with encoding/json and reports whether Decode accepted
// the document. The target is filled with other data first, which must not
// remain.
func check(t tester, d *Decoder, typ string, document []byte) bool {
	t.Helper()
	want := newOf[typ]()
	wantErr := json.Unmarshal(document, want)
	got := rubbish(typ)
	before := string(document)
	taken := d.Decode(document, got)
	if string(document) != before {
		t.Fatalf("%s %q: the document was changed", typ, before)
	}
	if taken && wantErr != nil {
		t.Fatalf("%s %q was taken as %+v, but encoding/json says %v", typ, document, got, wantErr)
	}
	if taken && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s %q\n got %#v\nwant %#v", typ, document, got, want)
	}
	return taken
}

func rubbish(typ string) any {
	v := newOf[typ]()
	switch v := v.(type) {
	case *api.Pin:
		v.Name, v.MaxDepth, v.Reference = "rubbish", 7, new(api.Cid)
	case *api.GlobalPinInfo:
		v.Name, v.PeerMap = "rubbish", map[string]api.PinInfoShort{"rubbish": {}}
	case *api.ID:
		v.Version, v.IPFS.Error = "rubbish", "rubbish"
	case *api.AddedOutput:
		v.Name, v.Size = "rubbish", 7
	}
	return v
}
