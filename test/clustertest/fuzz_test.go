package clustertest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
)

// serve serves a request with a peer's API. It returns nil if the peer cuts the connection.
func serve(t *testing.T, p *Peer, r *http.Request) (w *httptest.ResponseRecorder) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != http.ErrAbortHandler {
				panic(cause)
			}
			w = nil
		}
	}()
	w = httptest.NewRecorder()
	p.serveAPI(w, r)
	return w
}

// checkDocuments checks that an answer consists of JSON documents.
func checkDocuments(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	for dec := json.NewDecoder(w.Body); dec.More(); {
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("status %d: %v", w.Code, err)
		}
	}
}

// FuzzAdd uploads random bodies. The answer must consist of outputs and, after
// a failure, an error, or the connection must be cut.
func FuzzAdd(f *testing.F) {
	files, err := golden.Files()
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range file.Cases {
			content, err := c.Request.Content()
			_, query, _ := strings.Cut(c.Request.Target, "?")
			if err == nil && strings.HasPrefix(c.Request.Target, "/add") && len(content) < 10_000 {
				f.Add(query, content)
			}
		}
	}
	c := New(f, Options{Listen: Memory})
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/add", bytes.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+golden.Boundary)
		before := len(c.Pinset())
		w := serve(t, c.Peer(0), r)
		if w == nil {
			if after := len(c.Pinset()); after != before {
				t.Fatalf("%d pins after %d by an add that was cut off", after, before)
			}
			return
		}
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusInternalServerError {
			t.Fatalf("status %d", w.Code)
		}
		checkDocuments(t, w)
	})
}

// FuzzPinQuery pins with random queries. The stored pin must be one that can be
// read back.
func FuzzPinQuery(f *testing.F) {
	for _, query := range []string{
		"", "replication=2&name=a+b&meta-k=v", "mode=direct&expire-in=1h", "replication-min=-1&replication-max=3",
		"user-allocations=,,12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN", "expire-at=2031-02-03T04:05:06.789Z",
		"origins=%2Fip4%2F1.2.3.4%2Ftcp%2F1", "pin-update=QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", "shard-size=-1", "%zz",
	} {
		f.Add(query)
	}
	const pinned = "/pins/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
	c := New(f, Options{Listen: Memory})
	p := c.Peer(0)
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodPost, pinned, nil)
		r.URL = &url.URL{Path: pinned, RawQuery: query}
		checkDocuments(t, serve(t, p, r))
		for _, pin := range c.Pinset() {
			text, err := json.Marshal(pin)
			if err != nil {
				t.Fatalf("%+v: %v", pin, err)
			}
			var back api.Pin
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		serve(t, p, httptest.NewRequest(http.MethodDelete, pinned, nil))
	})
}
