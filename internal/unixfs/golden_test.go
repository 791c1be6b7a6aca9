package unixfs

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/ipfs/go-cid"
)

// goldenCase is one add that a real cluster answered.
type goldenCase struct {
	Case  string
	Query string
	// The upload: the parts, or the body as sent, or a directory of files that
	// each contain their index as text.
	Parts     []part
	Body      string
	Directory *struct {
		Name     string
		Files    int
		FileName string `json:"file_name"`
	}
	// The response: the objects and the error of the trailer, or the length and
	// hash of the whole response, or nothing.
	Events []wireEvent
	Error  string
	SHA256 string
	Length int
	Last   wireEvent
	Closed bool
}

// wireEvent is an event as the server writes it.
type wireEvent struct {
	Name        string   `json:"name"`
	Cid         *string  `json:"cid"`
	Bytes       uint64   `json:"bytes,omitempty"`
	Size        uint64   `json:"size,omitempty"`
	Allocations []string `json:"allocations,omitempty"`
}

func toWire(e Event) wireEvent {
	w := wireEvent{Name: e.Name, Bytes: e.Bytes, Size: e.Size}
	if e.Cid.Defined() {
		c := e.Cid.String()
		w.Cid = &c
	}
	return w
}

func (e wireEvent) String() string {
	b, _ := json.Marshal(e)
	return string(b)
}

func goldenCases(t testing.TB) []goldenCase {
	t.Helper()
	f, err := os.Open("testdata/add.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var cases []goldenCase
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var c goldenCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return cases
}

// params parses the query like the server.
func (c goldenCase) params(t *testing.T) Params {
	t.Helper()
	q, err := url.ParseQuery(c.Query)
	if err != nil {
		t.Fatal(err)
	}
	flag := func(name string) bool { return q.Get(name) == "true" }
	number := func(name string) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil && q.Get(name) != "" {
			t.Fatal(err)
		}
		return n
	}
	return Params{
		Layout:     q.Get("layout"),
		Chunker:    q.Get("chunker"),
		Hash:       q.Get("hash"),
		CidVersion: number("cid-version"),
		RawLeaves:  flag("raw-leaves") || q.Get("raw-leaves") == "" && number("cid-version") > 0,
		Wrap:       flag("wrap-with-directory"),
		Progress:   flag("progress"),
		Shard:      flag("shard"),
		ShardSize:  uint64(number("shard-size")),
		Name:       q.Get("name"),
	}
}

func (c goldenCase) body(t testing.TB) []byte {
	if c.Directory == nil && c.Parts == nil {
		return []byte(c.Body)
	}
	parts := c.Parts
	if d := c.Directory; d != nil {
		parts = append(parts, part{Filename: d.Name, ContentType: typeDirectory})
		for i := range d.Files {
			parts = append(parts, file(d.Name+"/"+fmt.Sprintf(d.FileName, i), strconv.Itoa(i)))
		}
	}
	return multipartBody(t, parts)
}

// TestGolden replays requests to a real cluster and compares every event.
func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.Case, func(t *testing.T) {
			sink := newMemory()
			result, err := Import(context.Background(), upload(c.body(t)), c.params(t), sink)
			if c.Closed {
				if !errors.Is(err, ErrEmpty) {
					t.Fatalf("error %v, want ErrEmpty", err)
				}
				return
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != c.Error {
				t.Errorf("error %q, want %q", text, c.Error)
			}
			if c.SHA256 != "" {
				checkDigest(t, c, sink.events)
			} else {
				checkEvents(t, c.Events, sink.events)
			}
			if err == nil {
				checkStored(t, sink, result)
			}
		})
	}
}

func checkEvents(t *testing.T, want []wireEvent, events []Event) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, toWire(e).String())
	}
	var expected []string
	for _, e := range want {
		expected = append(expected, e.String())
	}
	if !slices.Equal(got, expected) {
		t.Errorf("events\n%q\nwant\n%q", got, expected)
	}
}

// checkDigest compares a whole response, of which only the length and the hash
// were recorded.
func checkDigest(t *testing.T, c goldenCase, events []Event) {
	t.Helper()
	var answer bytes.Buffer
	enc := json.NewEncoder(&answer)
	for _, e := range events {
		w := toWire(e)
		w.Allocations = c.Last.Allocations
		if err := enc.Encode(w); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(answer.Bytes())
	if got := hex.EncodeToString(sum[:]); got != c.SHA256 || answer.Len() != c.Length {
		last := toWire(events[len(events)-1])
		t.Errorf("answer of %d bytes with hash %s, want %d and %s;\nlast %v, want %v",
			answer.Len(), got, c.Length, c.SHA256, last, c.Last)
	}
}

// checkStored checks that everything below the roots was stored, and that the
// reported sizes are those of the stored blocks.
func checkStored(t *testing.T, sink *memory, result Result) {
	t.Helper()
	roots := append([]Shard{{Cid: result.Root}}, result.Shards...)
	for _, root := range roots {
		if err := Walk(sink.get, root.Cid, func(cid.Cid) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	for _, e := range sink.events {
		if e.Kind == Added {
			if size := cumulativeSize(t, sink, e.Cid); size != e.Size {
				t.Errorf("%q has size %d, reported %d", e.Name, size, e.Size)
			}
		}
	}
}
