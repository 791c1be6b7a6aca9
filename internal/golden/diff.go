package golden

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// bufferSize is the length in bytes of the longest body to which Go's HTTP
// server adds a Content-Length by itself.
const bufferSize = 2048

// maxDiffs is the maximum number of differences reported for a body with many chunks.
const maxDiffs = 5

// Diff returns the differences between an answer to the case's request and the
// recorded answer: in status, headers and their order, framing, the content of
// each chunk, trailers and body. It ignores differences that [Normalise]
// removes, and the order of cluster-wide listings.
func (c Case) Diff(got Response) []string {
	want := c.Response
	if want.Closed || got.Closed {
		if want.Closed != got.Closed {
			return []string{fmt.Sprintf("connection closed without a response: %t, want %t", got.Closed, want.Closed)}
		}
		return nil
	}
	var diffs []string
	compare := func(what string, got, want any) {
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			diffs = append(diffs, fmt.Sprintf("%s is\n\t%s\nwant\n\t%s", what, g, w))
		}
	}
	compare("status line", got.statusLine(), want.statusLine())
	if !sizeDecides(got, want) {
		compare("framing", got.Framing, want.Framing)
	}
	compare("header", strings.Join(got.headerShape(), "\n\t"), strings.Join(want.headerShape(), "\n\t"))
	compare("trailer", shape(fmt.Sprintf("%q", got.Trailers)), shape(fmt.Sprintf("%q", want.Trailers)))
	if length := got.Get("Content-Length"); length != "" && length != fmt.Sprint(len(got.Body.data)) {
		diffs = append(diffs, fmt.Sprintf("Content-Length is %s, the body has %d bytes", length, len(got.Body.data)))
	}
	if want.Body.SHA256 != "" {
		if body := allocationsPattern.ReplaceAllString(string(got.Body.data), c.allocations); !want.Body.matches([]byte(body)) {
			diffs = append(diffs, fmt.Sprintf("body of %d bytes is not the recorded one of %d bytes", len(body), want.Body.Length))
		}
		return diffs
	}
	if want.Chunks == nil || want.Framing != got.Framing {
		compare("body", c.bodyShape(got), c.bodyShape(want))
		return diffs
	}
	gotChunks, wantChunks := c.chunkShapes(got), c.chunkShapes(want)
	compare("number of chunks", len(gotChunks), len(wantChunks))
	for i := range min(len(gotChunks), len(wantChunks)) {
		if compare(fmt.Sprintf("chunk %d", i), gotChunks[i], wantChunks[i]); len(diffs) >= maxDiffs {
			break
		}
	}
	return diffs
}

func (r Response) statusLine() string { return fmt.Sprintf("%s %d %s", r.Proto, r.Status, r.Reason) }

// sizeDecides reports whether two answers have different framing because only
// one is short enough for a Content-Length.
func sizeDecides(a, b Response) bool {
	return a.Get("Trailer") == "" && b.Get("Trailer") == "" &&
		(len(a.Body.data) <= bufferSize) != (len(b.Body.data) <= bufferSize)
}

// headerShape returns the header lines without the date and the fields that
// depend on the body.
func (r Response) headerShape() []string {
	var lines []string
	for _, f := range r.Headers {
		switch f[0] {
		case "Content-Length", "Transfer-Encoding":
			continue
		case "Date":
			if _, err := http.ParseTime(f[1]); err == nil {
				f[1] = "<date>"
			}
		}
		lines = append(lines, f[0]+": "+f[1])
	}
	return lines
}

// bodyShape returns the normalised body. Names of metrics are sorted.
func (c Case) bodyShape(r Response) string {
	var names []string
	if c.Request.Target == "/monitor/metrics" && json.Unmarshal(r.Body.data, &names) == nil {
		slices.Sort(names)
		return fmt.Sprintf("%q", names)
	}
	return Normalise(r.Body.data)
}

// chunkShapes returns the normalised content of each chunk.
func (c Case) chunkShapes(r Response) []string {
	rest := r.Body.data
	var shapes []string
	for _, n := range r.Chunks {
		n = min(n, len(rest))
		shapes = append(shapes, Normalise(rest[:n]))
		rest = rest[n:]
	}
	if c.unordered() {
		slices.Sort(shapes)
	}
	return shapes
}

// unordered reports whether the request is for a listing without a defined order.
func (c Case) unordered() bool {
	u, err := url.ParseRequestURI(c.Request.Target)
	if err != nil {
		return false
	}
	switch c.Request.Method + " " + u.Path {
	case "GET /peers":
		return true
	case "GET /pins", "POST /pins/recover":
		return u.Query().Get("local") != "true" || u.Query().Get("cids") != ""
	}
	return false
}
