package api

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/internal/hostile"
)

// addQueries seeds a fuzz target with queries that cover every parameter.
func addQueries(f *testing.F) {
	f.Add("")
	f.Add("name=n&mode=direct&replication=2&shard-size=5&user-allocations=" + textPeer + "&expire-at=2031-02-03T04:05:06.789Z&meta-a=b&pin-update=" + textCid + "&origins=/ip4/1.2.3.4/p2p/" + textPeer)
	f.Add("expire-in=36h&replication-min=-1&replication-max=x")
	f.Add("layout=trickle&chunker=rabin&hash=sha1&format=car&local=1&cid-version=1&raw-leaves=F&stream-channels=0")
}

func FuzzPinOptionsFromQuery(f *testing.F) {
	addQueries(f)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		var o, again PinOptions
		if o.FromQuery(values) != nil {
			return
		}
		text, err := o.ToQuery()
		if err != nil {
			t.Fatalf("%+v cannot be encoded: %v", o, err)
		}
		values, err = url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.FromQuery(values); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !again.Equals(o) || !again.PinUpdate.Equals(o.PinUpdate) {
			t.Fatalf("%s\n got %+v\nwant %+v", text, again, o)
		}
	})
}

func FuzzAddParamsFromQuery(f *testing.F) {
	addQueries(f)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p, err := AddParamsFromQuery(values)
		if err != nil {
			if p != nil {
				t.Fatal("parameters and an error")
			}
			return
		}
		text, err := p.ToQueryString()
		if err != nil {
			t.Fatalf("%+v cannot be encoded: %v", p, err)
		}
		values, err = url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := AddParamsFromQuery(values)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !again.Equals(*p) {
			t.Fatalf("%s\n got %+v\nwant %+v", text, again, p)
		}
	})
}

// FuzzDecode decodes a document into every type. No type may panic, and a value that
// was decoded must encode and decode to an equal value.
func FuzzDecode(f *testing.F) {
	types := slices.Sorted(maps.Keys(newOf))
	seeded := make(map[string]bool)
	for _, doc := range goldenDocuments(f) {
		if !seeded[doc.Type] {
			seeded[doc.Type] = true
			f.Add([]byte(doc.Body))
		}
	}
	for _, body := range hostile.Seeds() {
		f.Add(body)
	}
	f.Add([]byte(`{"id":"peer/0","cid":{"/":"` + textCid + `"},"type":2,"peer_map":{"a":{"status":"x","ipfs_peer_id":"2NEpo7TZRRrLZSi2U"}}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, name := range types {
			target := newOf[name]()
			if json.Unmarshal(document, target) != nil {
				continue
			}
			first, err := json.Marshal(target)
			if err != nil {
				t.Fatalf("%s %+v cannot be encoded: %v", name, target, err)
			}
			again := newOf[name]()
			if err := json.Unmarshal(first, again); err != nil {
				t.Fatalf("%s %s cannot be decoded again: %v", name, first, err)
			}
			second, err := json.Marshal(again)
			if err != nil {
				t.Fatalf("%s %+v cannot be encoded again: %v", name, again, err)
			}
			if string(first) != string(second) {
				t.Fatalf("%s\n first %s\nsecond %s", name, first, second)
			}
		}
	})
}
