package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pinfleet/pinfleet/api"
)

// layouts returns bodies with the same three items in different layouts.
func layouts(t testing.TB) map[string]string {
	items := []string{statusA, `{"name":"a \"quoted\" } {\\","new":[{"x":"]"}],"cid":"` + textB + `"}`, statusB}
	var pretty bytes.Buffer
	for _, item := range items {
		if err := json.Indent(&pretty, []byte(item), "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
	}
	return map[string]string{
		"lines":            strings.Join(items, "\n") + "\n",
		"no last line end": strings.Join(items, "\n"),
		"CRLF":             strings.Join(items, "\r\n") + "\r\n",
		"blank lines":      "\n \n" + strings.Join(items, "\n\n\t") + " \n\n",
		"one line":         strings.Join(items, ""),
		"one line, spaces": " " + strings.Join(items, "  ") + " \n",
		"two a line":       items[0] + items[1] + "\n" + items[2] + "\n",
		"pretty":           pretty.String(),
		"escaped keys":     strings.ReplaceAll(strings.Join(items, "\n"), `"cid"`, `"\u0063id"`),
		"odd case":         strings.ReplaceAll(strings.Join(items, "\n"), `"cid"`, `"CID"`),
		"CIDs as objects":  strings.NewReplacer(`"`+textA+`"`, `{"/":"`+textA+`"}`).Replace(strings.Join(items, "\n")),
		"array":            "[" + strings.Join(items, ",\n") + "]\n",
	}
}

// statusOf returns the items of a body.
func statusOf(body io.Reader) ([]api.GlobalPinInfo, error) { return rest(NewDecoder(body)) }

// rest returns the remaining items of a body.
func rest(s *Decoder) (items []api.GlobalPinInfo, err error) {
	for {
		var item api.GlobalPinInfo
		if err := s.Next(&item); err == io.EOF {
			return items, nil
		} else if err != nil {
			return items, err
		}
		items = append(items, item)
	}
}

// A body has the same items in every layout, and however Reads cut it into pieces.
func TestStreamPieces(t *testing.T) {
	want, err := statusOf(strings.NewReader(layouts(t)["array"]))
	if err != nil || len(want) != 3 {
		t.Fatalf("%d items, %v", len(want), err)
	}
	for name, text := range layouts(t) {
		for cut := range len(text) {
			pieces := io.MultiReader(strings.NewReader(text[:cut]), strings.NewReader(text[cut:]))
			if got, err := statusOf(pieces); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s, cut behind %d bytes: %+v, %v", name, cut, got, err)
			}
		}
		for how, body := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"with the end": iotest.DataErrReader(strings.NewReader(text)),
		} {
			if got, err := statusOf(body); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %+v, %v", name, how, got, err)
			}
		}
	}
}

// counter counts the bytes that are read.
type counter struct {
	io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// Next returns an item as soon as its last byte has arrived, because in an
// open-ended listing the next item may be hours away.
func TestItemsAreNotKeptBack(t *testing.T) {
	for name, text := range layouts(t) {
		body := &counter{Reader: iotest.OneByteReader(strings.NewReader(text))}
		s := NewDecoder(body)
		rest := text
		for range 3 {
			if err := s.Next(new(api.GlobalPinInfo)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			dec := json.NewDecoder(strings.NewReader(strings.TrimLeft(rest, "[,")))
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				t.Fatal(err)
			}
			skipped := len(rest) - len(strings.TrimLeft(rest, "[,"))
			rest = rest[skipped+int(dec.InputOffset()):]
			if want := len(text) - len(rest); body.n != want {
				t.Errorf("%s: an item of which %d bytes were needed came behind %d", name, want, body.n)
			}
		}
	}
}

// A listing that breaks off yields the items that arrived whole.
func TestBrokenBehindAnItem(t *testing.T) {
	broken := errors.New("broken")
	for name, text := range layouts(t) {
		end := strings.LastIndexAny(text, "}") + 1
		got, err := statusOf(io.MultiReader(strings.NewReader(text[:end]), iotest.ErrReader(broken)))
		if len(got) != 3 || !errors.Is(err, broken) {
			t.Errorf("%s: %d items, %v", name, len(got), err)
		}
		got, err = statusOf(strings.NewReader(text[:end-1]))
		if len(got) != 2 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s, cut: %d items, %v", name, len(got), err)
		}
	}
}

// The buffer of a large item is not kept for the small items after it.
func TestRoomShrinks(t *testing.T) {
	large := `{"name":"` + strings.Repeat("x", 3<<20) + `",` + statusA[1:]
	small := "\n" + strings.Repeat(statusA+"\n", 10)
	for name, text := range map[string]string{
		"line": large + small, "pretty": "{\n" + large[1:] + small, "odd case": strings.ReplaceAll(large+small, "cid", "CID"),
	} {
		s := NewDecoder(strings.NewReader(text))
		if items, err := rest(s); len(items) != 11 || err != nil {
			t.Fatalf("%s: %d items, %v", name, len(items), err)
		}
		if len(s.ahead.room) > maxRoom {
			t.Errorf("%s: %d bytes of room are kept", name, len(s.ahead.room))
		}
	}
}

// widest records the size of the largest Read.
type widest struct {
	io.Reader
	n int
}

func (w *widest) Read(p []byte) (int, error) {
	w.n = max(w.n, len(p))
	return w.Reader.Read(p)
}

// After a large item, one Read returned as many bytes as that item has. The decoding
// of each small item among them, and of white space in an array, scanned all bytes
// that were left: 38 s for 4 MiB of items in one line.
func TestReadsStaySmall(t *testing.T) {
	large := `{"name":"` + strings.Repeat("x", 3<<20) + `",` + statusA[1:]
	small := strings.Repeat(statusA, 10)
	for name, text := range map[string]string{
		"one line": large + small, "pretty": "{\n" + large[1:] + small, "array": "[" + large + strings.Repeat(","+statusA, 10) + "]",
	} {
		body := &widest{Reader: strings.NewReader(text)}
		if items, err := statusOf(body); len(items) != 11 || err != nil {
			t.Fatalf("%s: %d items, %v", name, len(items), err)
		}
		if body.n > minRoom {
			t.Errorf("%s: up to %d bytes are read at a time", name, body.n)
		}
	}
}
