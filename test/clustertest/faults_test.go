package clustertest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestEffects applies every effect to a listing of five pins.
func TestEffects(t *testing.T) {
	for _, tc := range []struct {
		name   string
		effect clustertest.Effect
		check  func(t *testing.T, a answer, err error)
	}{
		{"cut before", clustertest.CutBefore(), failed},
		{"cut after", clustertest.CutAfter(), failed},
		{"cut after items", clustertest.CutAfterItems(3), cut(3)},
		{"cut before any item", clustertest.CutAfterItems(0), cut(0)},
		{"cut mid-item", clustertest.CutMidItem(2), cut(2)},
		{"too few items to cut", clustertest.CutAfterItems(9), listed(200, 5, "")},
		{"stream error", clustertest.StreamError(2, "one", "two"), listed(200, 2, "", "one", "two")},
		{"wrong trailer", clustertest.Trailer("odd"), listed(200, 5, "odd")},
		{"no trailer", clustertest.Trailer(), listed(200, 5)},
		{"undelimited", clustertest.Undelimited(), func(t *testing.T, a answer, err error) {
			listed(200, 5)(t, a, err)
			if a.header.Get("Trailer") != "" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("header %v", a.header)
			}
		}},
		{"truncated", clustertest.Truncate(700), func(t *testing.T, a answer, err error) {
			if err != nil || a.err != nil || len(a.body) != 700 {
				t.Errorf("%d bytes, errors %v and %v", len(a.body), err, a.err)
			}
		}},
		{"error", clustertest.ErrorAnswer(503, "try later", "Retry-After", "7"), func(t *testing.T, a answer, _ error) {
			a.expect(t, 503, `{"code":503,"message":"try later"}`)
			if a.header.Get("Retry-After") != "7" {
				t.Errorf("header %v", a.header)
			}
		}},
		{"gateway", clustertest.GatewayAnswer(502, "bad gateway"), func(t *testing.T, a answer, _ error) { a.expect(t, 502, `{"error":"bad gateway"}`) }},
		{"web page", clustertest.HTMLAnswer(504), func(t *testing.T, a answer, _ error) { a.expect(t, 504, "<h1>Gateway Timeout</h1>") }},
		{"empty", clustertest.Answer(200, ""), func(t *testing.T, a answer, _ error) {
			if a.status != 200 || a.body != "" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}},
		{"redirect", clustertest.Redirect(302, "http://example.com/"), func(t *testing.T, a answer, _ error) {
			if got := a.header.Get("Location"); a.status != 302 || got != "http://example.com/allocations" {
				t.Errorf("%d to %s", a.status, got)
			}
		}},
		{"header too large", clustertest.HeaderTooLarge(), func(t *testing.T, a answer, _ error) { a.expect(t, 431, "431 Request Header") }},
		{"double body", clustertest.DoubleBody("no"), func(t *testing.T, a answer, _ error) {
			a.expect(t, 400, `{"code":400,"message":"no"}`)
			if n := strings.Count(a.body, "\n"); n != 6 {
				t.Errorf("%d documents", n)
			}
		}},
		{"two at once", clustertest.Chain(clustertest.NoKeepAlive(), clustertest.Trailer("x")), listed(200, 5, "x")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := clustertest.New(t, clustertest.Options{Peers: 1})
			c.Seed(5)
			defer c.Peer(0).Inject(clustertest.Fault{Route: "GET /allocations", Times: 1, Effect: tc.effect})()
			call := newCaller(t, c.Peer(0))
			a, err := call.do(http.MethodGet, "/allocations", nil)
			tc.check(t, a, err)
			listed(200, 5, "")(t, call.get("/allocations"), nil)
		})
	}
}

func failed(t *testing.T, a answer, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("answered: %+v", a)
	}
}

func cut(items int) func(*testing.T, answer, error) {
	return func(t *testing.T, a answer, err error) {
		t.Helper()
		if err != nil || !errors.Is(a.err, io.ErrUnexpectedEOF) || strings.Count(a.body, "\n") != items {
			t.Errorf("%d items, errors %v and %v; want %d and an unexpected EOF", strings.Count(a.body, "\n"), err, a.err, items)
		}
	}
}

func listed(status, items int, trailers ...string) func(*testing.T, answer, error) {
	return func(t *testing.T, a answer, err error) {
		t.Helper()
		if err != nil || a.err != nil || a.status != status || strings.Count(a.body, "\n") != items {
			t.Errorf("%d, %d items, errors %v and %v; want %d and %d", a.status, strings.Count(a.body, "\n"), err, a.err, status, items)
		}
		if got := a.trailer.Values("X-Stream-Error"); !slices.Equal(got, trailers) {
			t.Errorf("trailer %q, want %q", got, trailers)
		}
	}
}

// TestFaultCounts checks which requests a fault hits.
func TestFaultCounts(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	defer c.InjectAll(clustertest.Fault{Route: "GET /id", Skip: 1, Times: 2, Effect: clustertest.ErrorAnswer(503, "")})()
	for _, p := range c.Peers() {
		call := newCaller(t, p)
		var got []int
		for range 4 {
			got = append(got, call.get("/id").status)
			call.get("/version").expect(t, 200, "")
		}
		if want := []int{200, 503, 503, 200}; !slices.Equal(got, want) {
			t.Errorf("%s answers %v, want %v", p.Name(), got, want)
		}
	}
	call := newCaller(t, c.Peer(0))
	remove := c.Peer(0).Inject(clustertest.Fault{
		Match:  func(r *http.Request) bool { return r.URL.Query().Has("hit") },
		Effect: clustertest.ErrorAnswer(429, ""),
	})
	call.get("/nowhere?hit").expect(t, 429, "")
	call.get("/version").expect(t, 200, "")
	remove()
	call.get("/version?hit").expect(t, 200, "")
	defer c.Peer(0).Inject(clustertest.Fault{Probability: 0.5, Effect: clustertest.ErrorAnswer(502, "")})()
	hits := 0
	for range 400 {
		if call.get("/version").status == 502 {
			hits++
		}
	}
	if hits < 120 || hits > 280 {
		t.Errorf("%d of 400 hit with probability 0.5", hits)
	}
}

// TestExecutedOrNot checks which effects execute the request.
func TestExecutedOrNot(t *testing.T) {
	for name, tc := range map[string]struct {
		effect   clustertest.Effect
		executed bool
	}{
		"cut before":   {clustertest.CutBefore(), false},
		"cut after":    {clustertest.CutAfter(), true},
		"answer":       {clustertest.Answer(502, ""), false},
		"answer after": {clustertest.AnswerAfter(502, ""), true},
		"double body":  {clustertest.DoubleBody(""), true},
	} {
		c := clustertest.New(t, clustertest.Options{Peers: 1})
		c.Peer(0).Inject(clustertest.Fault{Effect: tc.effect})
		_, _ = newCaller(t, c.Peer(0)).do(http.MethodPost, "/pins/"+someCid, nil)
		if executed := len(c.Pinset()) == 1; executed != tc.executed {
			t.Errorf("%s: executed %t", name, executed)
		}
	}
}

func TestUploadFaults(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	p := c.Peer(0)
	call := newCaller(t, p)
	upload := func() (answer, error) {
		body := golden.Parts{file("f", strings.Repeat("x", 1<<20))}.Encode()
		return call.do(http.MethodPost, "/add", bytes.NewReader(body), "Content-Type", multipart)
	}
	remove := p.Inject(clustertest.Fault{Effect: clustertest.CutUpload(100_000)})
	a, err := upload()
	failed(t, a, err)
	remove()
	if got := p.Requests()[0].BodyBytes; got != 100_000 {
		t.Errorf("%d bytes read before the cut", got)
	}
	defer p.Inject(clustertest.Fault{Effect: clustertest.SlowReader(100_000, time.Nanosecond)})()
	if a, err := upload(); err != nil || a.status != 200 || len(a.trailer.Values("X-Stream-Error")) != 0 {
		t.Errorf("slow upload: %+v, %v", a, err)
	}
}

// TestWaiting checks that waiting requests end when their client disconnects or
// their peer stops.
func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Peers: 1, Listen: clustertest.Memory})
		p := c.Peer(0)
		call := newCaller(t, p)
		start := time.Now()
		p.Slow(time.Second)
		remove := p.Inject(clustertest.Fault{Effect: clustertest.Delay(time.Minute)})
		call.get("/id").expect(t, 200, "")
		if waited := time.Since(start); waited != time.Second+time.Minute {
			t.Errorf("waited %s", waited)
		}
		p.Slow(0)
		remove()
		until := make(chan struct{})
		remove = p.Inject(clustertest.Fault{Effect: clustertest.Hold(until)})
		time.AfterFunc(time.Hour, func() { close(until) })
		call.get("/id").expect(t, 200, "")
		remove()

		p.Inject(clustertest.Fault{Effect: clustertest.Hang()})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cluster/pins/recover", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.client.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hung request ended with %v", err)
		}
		time.AfterFunc(time.Hour, p.Stop)
		a, err := call.do(http.MethodGet, "/id", nil)
		failed(t, a, err)
	})
}
