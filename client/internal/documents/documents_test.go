package documents

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

type document struct {
	A int `json:"a"`
}

// decodeAll returns the documents of a body and the error after them, which is nil
// at the regular end.
func decodeAll(body io.Reader) (docs []int, array bool, err error) {
	return drain(NewDecoder(body))
}

func drain(s *Decoder) (docs []int, array bool, err error) {
	for {
		var d document
		if err := s.Next(&d); err != nil {
			if err == io.EOF {
				err = nil
			}
			return docs, s.IsArray(), err
		}
		docs = append(docs, d.A)
	}
}

func TestStreamDecoding(t *testing.T) {
	for _, test := range []struct {
		body  string
		want  []int
		array bool
		err   string // empty for no error
	}{
		{"", nil, false, ""},
		{" \r\n\t", nil, false, ""},
		{"{\"a\":1}\n{\"a\":2}\n", []int{1, 2}, false, ""},
		{`{"a":1}{"a":2}`, []int{1, 2}, false, ""},
		{"\n {\"a\":1} \n\n", []int{1}, false, ""},
		{"{\"a\":1}\n{\"a\"", []int{1}, false, "unexpected EOF"},
		{"{\"a\":1}\nnot json", []int{1}, false, "invalid character"},
		{"<html>", nil, false, "invalid character"},
		{`"text"`, nil, false, "cannot unmarshal"},
		{`{"a":"x"}`, nil, false, "cannot unmarshal"},
		{`[]`, nil, true, ""},
		{" [ ] \n", nil, true, ""},
		{`[{"a":1},{"a":2}]`, []int{1, 2}, true, ""},
		{`[{"a":1},{"a":2}`, []int{1, 2}, true, "unexpected EOF"},
		{`[{"a":1},`, []int{1}, true, "unexpected EOF"},
		{`[{"a":1},]`, []int{1}, true, "invalid character"},
		{`[{"a":1} {"a":2}]`, []int{1}, true, "expected comma"},
		{`[{"a":1}]{"a":2}`, []int{1}, true, "data behind the end"},
		{`[{"a":1}]]`, []int{1}, true, "invalid character"},
		{`[`, nil, true, "unexpected EOF"},
		{"null", nil, true, ""},
		{"null\n", nil, true, ""},
		{"nul", nil, true, "unexpected EOF"},
		{"nothing", nil, true, "invalid character"},
		{"null{}", nil, true, "data behind the end"},
	} {
		for name, body := range map[string]io.Reader{
			"at once":      strings.NewReader(test.body),
			"byte by byte": iotest.OneByteReader(strings.NewReader(test.body)),
			"with the end": iotest.DataErrReader(strings.NewReader(test.body)),
		} {
			docs, array, err := decodeAll(body)
			if !slices.Equal(docs, test.want) || array != test.array {
				t.Errorf("%q %s: %v, array %t; want %v, array %t", test.body, name, docs, array, test.want, test.array)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q %s: error %v, want %q", test.body, name, err, test.err)
			}
		}
	}
}

// A read error never looks like the regular end of the body.
func TestStreamReadError(t *testing.T) {
	broken := errors.New("broken")
	for _, body := range []string{"", " ", `{"a":1}`, `{"a":1`, `[`, `[{"a":1}`, `[{"a":1}]`, "null", "nul"} {
		_, _, err := decodeAll(io.MultiReader(strings.NewReader(body), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("%q: error %v", body, err)
		}
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	off  int
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.off:])
	e.off = (e.off + n) % len(e.text)
	e.read += n
	return n, nil
}

// The size of each item, and of the space between items, is limited. The number of
// items is not.
func TestStreamBounds(t *testing.T) {
	const limit = 256 << 10
	decode := func(start string, rest io.Reader) ([]int, error) {
		s := NewDecoder(io.MultiReader(strings.NewReader(start), rest))
		if s.limit != MaxItem {
			t.Errorf("the bound is %d", s.limit)
		}
		s.limit = limit
		docs, _, err := drain(s)
		return docs, err
	}
	spaces := strings.Repeat(" ", 4096)
	for _, test := range []struct {
		start, rest string
		docs        int
	}{
		{"", spaces, 0},
		{`{"a":`, "[[[[[[[[", 0},
		{`{"a":"`, strings.Repeat("a", 4096), 0},
		{`{"a":1}`, spaces, 1},
		{`[`, spaces, 0},
		{`[{"a":1}`, spaces, 1},
		{`[{"a":1},`, spaces, 1},
		{`[{"a":1}]`, spaces, 1},
		{`[{"a":1},{"a":"`, strings.Repeat("a", 4096), 1},
		{"null", spaces, 0},
	} {
		body := &endless{text: test.rest}
		docs, err := decode(test.start, body)
		if err == nil || len(docs) != test.docs {
			t.Errorf("%q and %.8q for ever: %d items, error %v", test.start, test.rest, len(docs), err)
		}
		bound := 3 * limit
		if test.rest == spaces && strings.HasPrefix(test.start, "[") && !strings.HasSuffix(test.start, ",") {
			bound = 8 * maxSpace // the decoder takes quadratic time for white space
		}
		if body.read > bound {
			t.Errorf("%q and %.8q for ever: %d bytes were read", test.start, test.rest, body.read)
		}
	}
	item := `{"a":1,"pad":"` + strings.Repeat("x", limit/8) + `"},` + "\n"
	if docs, err := decode("[", strings.NewReader(strings.Repeat(item, 20)+"{}]")); len(docs) != 21 || err != nil {
		t.Errorf("many items: %d, error %v", len(docs), err)
	}
	large := `{"a":1,"pad":"` + strings.Repeat("x", limit-4096) + `"}`
	if docs, err := decode("", strings.NewReader(large)); len(docs) != 1 || err != nil {
		t.Errorf("a large item: %d items, error %v", len(docs), err)
	}
}
