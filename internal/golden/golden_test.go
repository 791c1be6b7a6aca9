package golden

import (
	"bytes"
	"strings"
	"testing"
)

// TestBodies encodes every body that the transcripts describe and compares it
// with the recorded one.
func TestBodies(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 5 {
		t.Fatalf("%d transcripts", len(files))
	}
	for _, f := range files {
		for _, c := range f.Cases {
			content, err := c.Request.Content()
			if err != nil {
				t.Errorf("%s, %s: %v", f.Name, c.Name, err)
			}
			if len(c.Request.Parts) > 0 && !bytes.Equal(content, c.Request.Parts.Encode()) {
				t.Errorf("%s, %s: the parts do not make the body", f.Name, c.Name)
			}
		}
	}
}

// TestDiffSelf compares every recorded answer with itself and with answers that
// differ in one respect.
func TestDiffSelf(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if c.Response.Body.SHA256 != "" {
				continue
			}
			if diffs := c.Diff(c.Response); len(diffs) > 0 {
				t.Errorf("%s, %s: differs from itself: %q", f.Name, c.Name, diffs)
			}
			for name, change := range changes {
				got := c.Response
				if change(&got) && len(c.Diff(got)) == 0 {
					t.Errorf("%s, %s: %s goes unnoticed", f.Name, c.Name, name)
				}
			}
		}
	}
}

// changes holds functions that change an answer. They report whether they could.
var changes = map[string]func(*Response) bool{
	"a status": func(r *Response) bool { r.Status++; return !r.Closed },
	"a header": func(r *Response) bool {
		r.Headers = append([]Field{{"X-New", "1"}}, r.Headers...)
		return !r.Closed
	},
	"a lost connection": func(r *Response) bool { closed := r.Closed; *r = Response{Closed: true}; return !closed },
	"a trailer": func(r *Response) bool {
		r.Trailers = append(r.Trailers[:len(r.Trailers):len(r.Trailers)], Field{"X-Stream-Error", "e"})
		return r.Framing == "chunked"
	},
	"null for a list": func(r *Response) bool { return replace(r, `"allocations":[]`, `"allocations":null`) },
	"a message":       func(r *Response) bool { return replace(r, `"message":"`, `"message":"x`) },
	"a name":          func(r *Response) bool { return replace(r, `"name":"`, `"name":"x`) },
	"a size":          func(r *Response) bool { return replace(r, `"size":`, `"size":1`) },
	"a status text":   func(r *Response) bool { return replace(r, `"status":"pinned"`, `"status":"pinning"`) },
	"an order of fields": func(r *Response) bool {
		return replace(r, `"attempt_count":0,"priority_pin":false`, `"priority_pin":false,"attempt_count":0`)
	},
	"chunks": func(r *Response) bool {
		if len(r.Chunks) < 2 {
			return false
		}
		r.Chunks = append([]int{r.Chunks[0] + r.Chunks[1]}, r.Chunks[2:]...)
		return true
	},
}

// replace replaces text in the body once and adjusts the chunks.
func replace(r *Response, old, text string) bool {
	body := string(r.Body.data)
	i := strings.Index(body, old)
	if i < 0 {
		return false
	}
	r.Body = NewBody([]byte(body[:i] + text + body[i+len(old):]))
	chunks := append([]int(nil), r.Chunks...)
	for n, end := 0, 0; n < len(chunks); n++ {
		if end += chunks[n]; i < end {
			chunks[n] += len(text) - len(old)
			break
		}
	}
	if r.Chunks != nil {
		r.Chunks = chunks
	}
	for n, f := range r.Headers {
		if f[0] == "Content-Length" {
			r.Headers = append([]Field(nil), r.Headers...)
			r.Headers[n][1] = ""
		}
	}
	return true
}

func TestNormalise(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"timestamp":"2026-11-21T22:56:07Z","a":"2026-11-21T22:56:07.1+01:00","b":"0001-01-01T00:00:00Z"}`,
			`{"timestamp":"<seconds>","a":"<nanoseconds>","b":"0001-01-01T00:00:00Z"}`},
		{`{"allocations":null}` + "\n" + `{"allocations":[]}` + "\n" + `{"allocations":["12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"]}`,
			`{"allocations":null}` + "\n" + `{"allocations":[]}` + "\n" + `{"allocations":[<allocations>]}`},
		{`{"message":"dial tcp 127.0.0.1:5201: connect"}`, `{"message":"dial tcp <host>:<port>: connect"}`},
		{`no JSON of 12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN`, `no JSON of <peer>`},
	} {
		if got := Normalise([]byte(c.body)); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.body, got, c.want)
		}
	}
}
