package documents

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/internal/hostile"
)

// rawItems decodes a body like a listing, and returns the texts of its items.
func rawItems(body []byte) (items []string, err error) {
	s := NewDecoder(bytes.NewReader(body))
	for {
		var item json.RawMessage
		if err := s.Next(&item); err != nil {
			if err == io.EOF {
				err = nil
			}
			return items, err
		}
		items = append(items, string(item))
	}
}

// FuzzStream checks that the decoding of any body ends, and that a valid array or
// sequence of documents has the same items as with encoding/json.
func FuzzStream(f *testing.F) {
	if err := golden.EachBody(func(_ golden.Response, body []byte) { f.Add(body) }); err != nil {
		f.Fatal(err)
	}
	for _, body := range hostile.Seeds() {
		f.Add(body)
	}
	for _, text := range []string{"", " ", "null", "[]", `[{"a":1},{"a":[2]}]`, "{\"a\":1}\n{\"a\":2}\n", `[{"a":1}`, `[1,]`, "nul", "[[", "{}]", "[null]", "null null", "\n[\n]\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, gotErr := rawItems(body)
		want, wantErr := golden.Items(body)
		first := strings.TrimLeft(string(body), " \t\r\n")
		if wantErr != nil || strings.HasPrefix(first, "[") || strings.HasPrefix(first, "n") {
			// A sequence of documents that begins with an array or null is not a listing.
			if json.Valid(body) == (gotErr != nil) {
				t.Fatalf("%q: %q, %v; reference %q, %v", body, got, gotErr, want, wantErr)
			}
			if gotErr != nil {
				return
			}
		}
		if gotErr != nil || !slices.Equal(got, want) {
			t.Fatalf("%q: %q, %v; want %q", body, got, gotErr, want)
		}
	})
}

// FuzzItems checks that any body, in pieces of any length, has the same items and
// the same error as with encoding/json.
func FuzzItems(f *testing.F) {
	if err := golden.EachBody(func(_ golden.Response, body []byte) { f.Add(body, 100) }); err != nil {
		f.Fatal(err)
	}
	for _, body := range hostile.Seeds() {
		f.Add(body, 50)
	}
	for _, text := range layouts(f) {
		f.Add([]byte(text), 7)
	}
	for _, text := range []string{"{}{}", "{}\n{}x", "{\n}", "{]}", `{"a":"}`, "{\"a\n\":1}", "1\n2", `"a"{}`, "}{", "{} {}\n{", "{}[]", "{}null"} {
		f.Add([]byte(text), 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && (first[0] == '[' || first[0] == 'n') {
			return // an array or null, as old servers send it
		}
		var want []api.GlobalPinInfo
		var wantErr error
		for dec := json.NewDecoder(bytes.NewReader(body)); wantErr == nil; {
			var item api.GlobalPinInfo
			if wantErr = dec.Decode(&item); wantErr == nil {
				want = append(want, item)
			}
		}
		got, err := statusOf(&pieces{text: body, size: min(max(size, 1), 1<<20)})
		if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == io.EOF) {
			t.Fatalf("%q: %+v, %v\nwant %+v, %v", body, got, err, want, wantErr)
		}
		if err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%q: %v; want %v", body, err, wantErr)
		}
	})
}

// pieces is a reader of text in pieces of at most size bytes.
type pieces struct {
	text []byte
	size int
}

func (r *pieces) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[:min(r.size, len(r.text))])
	r.text = r.text[n:]
	return n, nil
}
