package clustertest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestRouting checks which requests no route serves, and which route serves the
// others. Both depend on the order of the routes.
func TestRouting(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	for _, tc := range []struct {
		requests string
		status   int
		body     string
	}{
		{"PUT /id, PATCH /pins, HEAD /version, OPTIONS /add, PUT /pins/x/recover", 405, ""},
		{"DELETE /ipfs/gc, DELETE /health, DELETE /health/graph, DELETE /monitor/metrics, DELETE /token, POST /health", 405, ""},
		{"POST /id, GET /add, GET /token, DELETE /pins, POST /pins, POST /allocations, GET /peers/x, GET /pins/ipfs/x", 404, `"not found"`},
		{"GET /nope, PUT /nope, GET /pins/a/b/c, GET /monitor/metrics/a/b, GET /monitor/metrics/a%2Fb", 404, `"not found"`},
		{"GET /pins/recover, POST /pins/ipfs/recover, GET /allocations/x", 400, "error decoding Cid"},
		{"POST /pins/ipfs/x, POST /pins/ipld/x/y, DELETE /pins/ipfs/x/recover", 400, "error parsing path: invalid path"},
		{"POST /pins/ipns/x", 500, "could not resolve name"},
		{"POST /pins/recover, GET /pins, GET /allocations, GET /health", 204, ""},
	} {
		for request := range strings.SplitSeq(tc.requests, ", ") {
			method, target, _ := strings.Cut(request, " ")
			a := call.call(method, target)
			if a.status != tc.status || !strings.Contains(a.body, tc.body) || tc.body == "" && a.body != "" {
				t.Errorf("%s: %d %q, want %d %q", request, a.status, a.body, tc.status, tc.body)
			}
		}
	}
}

func TestRedirects(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	for _, tc := range []struct {
		request, location string
		status            int
	}{
		{"GET /id/", "/id", 307},
		{"POST /pins/recover/?local=true", "/pins/recover?local=true", 307},
		{"DELETE /nowhere/", "/nowhere", 307},
		{"GET //id", "/id", 301},
		{"POST /pins/./recover?local=true", "/pins/recover?local=true", 301},
		{"GET /health/../id", "/id", 301},
	} {
		method, target, _ := strings.Cut(tc.request, " ")
		a := call.call(method, target)
		if got := a.header.Get("Location"); a.status != tc.status || got != tc.location {
			t.Errorf("%s: %d to %q, want %d to %q", tc.request, a.status, got, tc.status, tc.location)
		}
	}
}

func TestCORS(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	preflight := func(method, headers string) http.Header {
		a := call.call(http.MethodOptions, "/pins", "Origin", "http://example.com",
			"Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
		if a.status != 204 || a.header.Get("Vary") != "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" {
			t.Errorf("preflight for %s: %d, %v", method, a.status, a.header)
		}
		return a.header
	}
	allowed := preflight("GET", "content-type")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET",
		"Access-Control-Allow-Headers": "content-type", "Access-Control-Allow-Credentials": "true",
	} {
		if got := allowed.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, refused := range []http.Header{preflight("POST", ""), preflight("GET", "x-other")} {
		if got := refused.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("allowed for %q", got)
		}
	}
	a := call.call(http.MethodPost, "/pins/recover", "Origin", "http://example.com")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("POST with an origin: %d, %v", a.status, a.header)
	}
}

// TestRequestLog checks the methods that return recorded requests and counts.
func TestRequestLog(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	p := c.Peer(0)
	call := newCaller(t, p)
	call.call(http.MethodGet, "/pins/nope?local=true", "X-Mine", "1")
	call.add("", file("f", "hello"))
	defer p.Inject(clustertest.Fault{Effect: clustertest.CutBefore()})()
	if _, err := call.do(http.MethodPost, "/pins/recover", nil); err == nil {
		t.Error("an answer to a request that was cut")
	}
	all := p.Requests()
	if len(all) != 3 || p.Count("") != 3 || p.Count("POST /add") != 1 {
		t.Fatalf("requests: %+v", all)
	}
	first, add, cut := all[0], all[1], all[2]
	if first.Route != "GET /pins/{hash}" || first.Target != "/pins/nope?local=true" || first.Status != 400 || first.Header.Get("X-Mine") != "1" {
		t.Errorf("first request: %+v", first)
	}
	if add.BodyBytes == 0 || add.AnswerBytes == 0 || !add.Done || add.Aborted {
		t.Errorf("add: %+v", add)
	}
	if cut.Status != 0 || !cut.Aborted {
		t.Errorf("request that was cut: %+v", cut)
	}
	p.ResetRequests()
	if n := len(p.Requests()); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}

// TestPreflightHeaders checks which header names a preflight may ask for: only
// those in the form that browsers send. The CORS layer once took any order and
// case, and methods in lower case.
func TestPreflightHeaders(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	for _, tc := range []struct {
		method, headers string
		allowed         bool
	}{
		{"GET", "", true},
		{"OPTIONS", "accept", true},
		{"get", "accept", false},
		{"GET", "accept,content-type,x-requested-with", true},
		{"GET", "accept, content-type", true},
		{"GET", "accept,  content-type", false},
		{"GET", "content-type,accept", false},
		{"GET", "accept,accept", false},
		{"GET", "Content-Type", false},
		{"GET", ",accept,", true},
	} {
		a := call.call(http.MethodOptions, "/pins", "Origin", "http://example.com",
			"Access-Control-Request-Method", tc.method, "Access-Control-Request-Headers", tc.headers)
		method, headers := "", ""
		if tc.allowed {
			method, headers = tc.method, tc.headers
		}
		if got := a.header.Get("Access-Control-Allow-Methods"); a.status != 204 || got != method {
			t.Errorf("%s, %q: %d, allowed methods %q, want %q", tc.method, tc.headers, a.status, got, method)
		}
		if got := a.header.Get("Access-Control-Allow-Headers"); got != headers {
			t.Errorf("%s, %q: allowed headers %q, want %q", tc.method, tc.headers, got, headers)
		}
	}
}

// TestCidsBeforeFilter asks for CIDs with an invalid filter. The request was
// once refused, but a daemon that receives CIDs ignores the filter.
func TestCidsBeforeFilter(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	call.get("/pins?filter=bogus&cids=QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX").expect(t, 200, `"unpinned"`)
	call.get("/pins?filter=bogus&cids=x").expect(t, 400, "error decoding Cid")
	call.get("/pins?filter=bogus&cids=").expect(t, 400, "invalid filter value")
}
