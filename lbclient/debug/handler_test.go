package debug

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// fixed is a Source with a fixed list of endpoints.
type fixed []lbclient.EndpointInfo

func (f fixed) Endpoints() []lbclient.EndpointInfo { return f }

// ask sends a request to h and returns the response.
func ask(h http.Handler, method, url string, accept ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	r.Host = "127.0.0.1:8080"
	r.Header["Accept"] = accept
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageOrJSON(t *testing.T) {
	h := New()
	for _, c := range []struct {
		url    string
		accept []string
		want   string
	}{
		{"/", nil, "text/html; charset=utf-8"},
		{"/", []string{"*/*"}, "text/html; charset=utf-8"},
		{"/debug/lb/", []string{"text/html,application/xhtml+xml,application/json;q=0.9"}, "text/html; charset=utf-8"},
		{"/?format=html", []string{"application/json"}, "text/html; charset=utf-8"},
		{"/", []string{"application/json"}, "application/json"},
		{"/?format=json", []string{"text/html"}, "application/json"},
		{"/any/prefix?format=json", nil, "application/json"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := ask(h, method, c.url, c.accept...)
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != c.want {
				t.Errorf("%s %s, accepting %q: %d, %q, want %q", method, c.url, c.accept, w.Code, w.Header().Get("Content-Type"), c.want)
			}
			if empty := w.Body.Len() == 0; empty != (method == http.MethodHead) {
				t.Errorf("%s %s: a body of %d bytes", method, c.url, w.Body.Len())
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s: headers %v", method, c.url, w.Header())
			}
		}
	}
}

func TestReadOnly(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
		w := ask(New(), method, "/?format=json")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

// The page must not load anything, and must not contain anything that its own policy
// forbids.
func TestPageIsSelfContained(t *testing.T) {
	w := ask(New(), "GET", "/")
	policy, html := w.Header().Get("Content-Security-Policy"), w.Body.String()
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	for _, unsafe := range []string{"unsafe", "*", "http:", "https:"} {
		if strings.Contains(policy, unsafe) {
			t.Errorf("policy %q contains %q", policy, unsafe)
		}
	}
	local := strings.ReplaceAll(html, "http://www.w3.org/2000/svg", "") // the name of a namespace, which is not loaded
	for _, bad := range []string{"http://", "https://", "//cdn", " style=", " onclick=", "innerHTML", "{{", "@import", "url("} {
		if strings.Contains(local, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
}

func TestJSON(t *testing.T) {
	since := time.Now().Add(-time.Minute).UTC()
	h := New()
	h.Watch(fixed{{
		Endpoint: "a", State: lbclient.Ejected, Since: since, Weight: 0.5, InFlight: 2,
		EWMA: map[string]time.Duration{"read": time.Millisecond}, Attempts: 7,
		Failures: map[string]uint64{"unsent": 3}, LastError: "</script><b>", LastErrorAt: since, NextProbe: since,
	}, {Endpoint: "b", State: lbclient.Admitted}})
	h.AttemptEnded(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Duration: 3 * time.Millisecond})
	h.AttemptEnded(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: "a", Duration: 5 * time.Millisecond, Err: errors.New("x")})
	h.EndpointEjected(lbclient.HealthEvent{Endpoint: "a", Err: errors.New("bad"), For: time.Second})

	w := ask(h, "GET", "/?format=json")
	if strings.Contains(w.Body.String(), "<") {
		t.Errorf("markup in %s", w.Body)
	}
	var got Snapshot
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Endpoints) != 2 || got.Endpoints[0].Endpoint != "a" || got.Endpoints[1].Endpoint != "b" {
		t.Fatalf("endpoints %+v", got.Endpoints)
	}
	a := got.Endpoints[0]
	if a.State != lbclient.Ejected || !a.Since.Equal(since) || a.InFlight != 2 || a.Attempts != 7 || a.Failures["unsent"] != 3 ||
		a.EWMA["read"] != time.Millisecond || a.LastError != "</script><b>" {
		t.Errorf("endpoint a: %+v", a)
	}
	var count, failed int
	for _, s := range a.Latencies { // two, if a second ended in between
		count, failed = count+s.Count, failed+s.Failed
	}
	if count != 2 || failed != 1 || len(got.Endpoints[1].Latencies) != 0 {
		t.Errorf("latencies %+v and %+v", a.Latencies, got.Endpoints[1].Latencies)
	}
	if len(got.Events) != 1 || got.Events[0].Kind != Ejected || got.Events[0].Error != "bad" || got.Events[0].For != time.Second {
		t.Errorf("events %+v", got.Events)
	}
	// Lists are never null: the page's script relies on it.
	empty := ask(New(), "GET", "/?format=json").Body.String()
	for _, want := range []string{`"endpoints": []`, `"events": []`, `"latencies": []`} {
		if !strings.Contains(empty, want) {
			t.Errorf("no %s in %s", want, empty)
		}
	}
}

func TestSourceMayChange(t *testing.T) {
	h := New()
	names := func() (list []string) {
		for _, e := range h.Snapshot().Endpoints {
			list = append(list, e.Endpoint)
		}
		return list
	}
	h.Watch(fixed{{Endpoint: "a"}})
	if got := names(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("endpoints %q", got)
	}
	h.Watch(fixed{{Endpoint: "b"}, {Endpoint: "a"}})
	if got := names(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("endpoints %q", got)
	}
}

// Nested load balancers are flattened: each is followed by its endpoints.
func TestEndpointsWithin(t *testing.T) {
	h := New()
	h.Watch(fixed{
		{Endpoint: "[a b]", Endpoints: []lbclient.EndpointInfo{{Endpoint: "a"}, {Endpoint: "b", LastError: strings.Repeat("x", 2*maxError)}}},
		{Endpoint: "c"},
	})
	var got []string
	for _, e := range h.Snapshot().Endpoints {
		got = append(got, strings.Repeat(">", e.Depth)+e.Endpoint)
		if e.Endpoints != nil || len(e.LastError) > maxError+len("…") {
			t.Errorf("%s: %d within, %d bytes of error", e.Endpoint, len(e.Endpoints), len(e.LastError))
		}
	}
	if want := []string{"[a b]", ">a", ">b", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
