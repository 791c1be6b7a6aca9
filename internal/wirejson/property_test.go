package wirejson

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// values are drawn for any key, so that most keys often get a value of the
// right type and sometimes one of a wrong type.
var values = []string{
	"null", "true", "false", "0", "-0", "7", "-12", "01", "1.5", "1e3", "123456789012345678", "1234567890123456789", "18446744073709551615", "-",
	`""`, `"a"`, `"é"`, `"\u00e9\n"`, `"a\b"`, `"a\\b"`, "\"\xff\"", "\"\x01\"", `"a`, `"pinned"`, `"pin_error"`, `"undefined"`, `"all"`, `"meta-pin"`, `"direct"`,
	`"` + textCid + `"`, `"` + textCidV1 + `"`, `{"/":"` + textCid + `"}`, `{"/":null}`, `"bafkqaaa"`, `"Qmnope"`, `"` + textPeer + `"`, `"` + textAddr + `"`,
	`"2026-05-11T10:11:12.5Z"`, `"2026-05-11T10:11:12+05:30"`, `"2026-02-30T10:11:12Z"`,
	"[]", "{}", "[null]", `[""]`, `["` + textPeer + `","` + textPeer2 + `"]`, `["/a","/b]"]`, `["/a","/b]","\u005d"]`, `["` + textAddr + `",null]`, "[1]", "[[]]", "[,]", `["a",]`,
	`{"a":"b"}`, `{"a":"b","a":"c"}`, `{"a":null}`, `{"a":1}`, `{"":""}`, `{"a"}`, `{"a\u0062":"c","ab":"d"}`,
}

// document draws an object with known keys, some unknown ones, and values of
// all kinds, among them objects of the same kind.
func document(t *rapid.T, known []string, depth int) string {
	var b strings.Builder
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	b.WriteString("{")
	for i, n := 0, rapid.IntRange(0, 8).Draw(t, "members"); i < n; i++ {
		if i > 0 {
			b.WriteString(",")
		}
		key := rapid.SampledFrom(known).Draw(t, "key")
		switch rapid.IntRange(0, 60).Draw(t, "odd") {
		case 0:
			key = strings.ToUpper(key)
		case 1:
			key = `\u0061` + key
		case 2:
			key = strings.ReplaceAll(key, "s", "\u017f")
		case 3:
			key += "x"
		}
		value := rapid.SampledFrom(values).Draw(t, "value")
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
			value = document(t, known, depth-1)
		}
		fmt.Fprintf(&b, `%s"%s"%s:%s%s`, space.Draw(t, "space"), key, space.Draw(t, "space"), space.Draw(t, "space"), value)
	}
	b.WriteString(space.Draw(t, "space") + "}")
	return b.String()
}

// Documents that are built from arbitrary parts are decoded as encoding/json
// does, or are left to it.
func TestDocumentsOfAnyParts(t *testing.T) {
	known := slices.Concat(pinKeys, globalPinInfoKeys, pinInfoShortKeys, idKeys, ipfsIDKeys, addedOutputKeys)
	slices.Sort(known)
	known = slices.Compact(known)
	kept := new(Decoder)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		doc := []byte(document(t, known, 2))
		for typ := range newOf {
			if check(t, kept, typ, doc) != check(t, new(Decoder), typ, doc) {
				t.Fatalf("%s %s: it depends on what was decoded before whether it is taken", typ, doc)
			}
			if check(t, kept, typ, doc) {
				taken++
			}
		}
	})
	if taken == 0 {
		t.Error("no document was taken")
	}
}

// A hostile server cannot make a Decoder remember without limit, and remembered
// texts do not change later results.
func TestMemoryIsBounded(t *testing.T) {
	var d Decoder
	pad := strings.Repeat("x", 300)
	for i := range 3 * maxEntries {
		long := fmt.Sprintf(`"%s-%d"`, pad[:i%len(pad)], i)
		doc := fmt.Sprintf(`{"peer_map":{%s:{"peername":"p%d","ipfs_peer_id":"i%d","ipfs_peer_addresses":[%s],"status":"s%d"}}}`, long, i, i, long, i)
		if i%100 > 0 {
			if !d.Decode([]byte(doc), newOf["GlobalPinInfo"]()) {
				t.Fatalf("%s is not taken", doc)
			}
		} else if !check(t, &d, "GlobalPinInfo", []byte(doc)) {
			t.Fatalf("%s is not taken", doc)
		}
	}
	if !check(t, &d, "GlobalPinInfo", []byte(`{"origins":["`+strings.Repeat("y", 2*maxText)+`"],"allocations":[`+strings.Repeat(`"a",`, 2*maxRoom)+`"b"]}`)) {
		t.Error("a long list is not taken")
	}
	// The buffer for addresses once kept the addresses of the longest list, each
	// of which may be as long as a document.
	if !d.Decode([]byte(`{"origins":["a","`+strings.Repeat("y", 2*maxText)+`"],"allocations":["a"]}`), newOf["GlobalPinInfo"]()) {
		t.Error("a long address is not taken")
	}
	for _, address := range d.addresses[:cap(d.addresses)] {
		if address != "" {
			t.Errorf("an address of %d bytes is kept", len(address))
		}
	}
	bounded(t, "texts", &d.texts)
	bounded(t, "peers", &d.peers)
	bounded(t, "statuses", &d.statuses)
	bounded(t, "lists", &d.lists)
	if cap(d.peerList) > maxRoom {
		t.Errorf("room for %d peers is kept", cap(d.peerList))
	}
}

func bounded[V any](t *testing.T, name string, table *table[V]) {
	t.Helper()
	bytes := 0
	for text := range table.entries {
		bytes += len(text)
		if len(text) > maxText {
			t.Errorf("%s: a text of %d bytes is remembered", name, len(text))
		}
	}
	if len(table.entries) == 0 || len(table.entries) > maxEntries || bytes != table.bytes || bytes > maxBytes {
		t.Errorf("%s: %d entries of %d bytes, counted as %d", name, len(table.entries), bytes, table.bytes)
	}
}
