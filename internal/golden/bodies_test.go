package golden

import (
	"slices"
	"testing"
)

// TestEachBody checks that EachBody passes only known and short bodies, and many
// of them.
func TestEachBody(t *testing.T) {
	n := 0
	err := EachBody(func(r Response, body []byte) {
		n++
		if known, ok := r.Body.Bytes(); !ok || !slices.Equal(known, body) || len(body) >= maxSeed {
			t.Errorf("a body of %d bytes, known: %t", len(body), ok)
		}
	})
	if err != nil || n < 100 {
		t.Errorf("%d bodies, %v", n, err)
	}
}

func TestItems(t *testing.T) {
	for _, test := range []struct {
		body   string
		want   []string
		broken bool
	}{
		{"", nil, false},
		{"null", nil, false},
		{"[]", nil, false},
		{`[{"a":1},{"a":[2]}]`, []string{`{"a":1}`, `{"a":[2]}`}, false},
		{"{\"a\":1}\n {\"a\":2}", []string{`{"a":1}`, `{"a":2}`}, false},
		{`{"a":1}{"a"`, []string{`{"a":1}`}, true},
		{"<html>", nil, true},
	} {
		if got, err := Items([]byte(test.body)); !slices.Equal(got, test.want) || (err != nil) != test.broken {
			t.Errorf("%q: %q, %v", test.body, got, err)
		}
	}
}
