package debug

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/lbclient"
)

// E15: the page answered any Host. A page of an attacker whose name resolves to this
// machine (DNS rebinding) could read it. Only IP addresses, localhost and allowed names
// get an answer.
func TestHosts(t *testing.T) {
	h := New()
	h.Watch(fixed{{Endpoint: "secret-endpoint"}})
	if err := h.AllowHosts("Ops.example", "intranet."); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200, "10.1.2.3:80": 200, "[fe80::1%25eth0]:80": 200,
		"localhost": 200, "LOCALHOST:8080": 200, "localhost.": 200,
		"ops.example": 200, "OPS.example.:443": 200, "intranet:80": 200,
		"evil.example": 421, "evil.example:8080": 421, "": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"x.localhost": 421, "a.ops.example": 421, "ops.example.evil.example": 421, "2130706433": 421, "127.1": 421, "[evil.example]": 421,
		"<script>alert(1)</script>": 421, strings.Repeat("a", 10_000): 421,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := httptest.NewRequest(method, "/?format=json", nil)
			r.Host = host
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if want := map[bool]int{true: want, false: 405}[method != http.MethodPost || want == 421]; w.Code != want {
				t.Errorf("%s for %.50q: %d, want %d", method, host, w.Code, want)
			}
			if w.Code != 421 {
				continue
			}
			if text := w.Body.String(); strings.Contains(text, "secret") || len(text) > 400 || !strings.Contains(text, "AllowHosts") {
				t.Errorf("%.50q: %.500q", host, text)
			}
			if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("%.50q: Content-Type %q", host, got)
			}
		}
	}
}

// A name with a port, a scheme or a pattern would never match.
func TestAllowHostsRefuses(t *testing.T) {
	for _, name := range []string{"", "ops.example:80", "http://ops.example", "ops.example/x", "*.example", "ops example", "öps.example"} {
		h := New()
		if err := h.AllowHosts("good.example", name); err == nil || !strings.Contains(err.Error(), "without scheme, port and path") {
			t.Errorf("%q: %v", name, err)
		}
		if h.allows("good.example") {
			t.Errorf("%q: the other name was added", name)
		}
	}
}

// No other site may read or frame a response, not even that of an error.
func TestSecurityHeaders(t *testing.T) {
	for _, test := range []struct{ method, url, host string }{
		{"GET", "/", "localhost"}, {"GET", "/?format=json", "localhost"}, {"POST", "/", "localhost"}, {"GET", "/", "evil.example"},
	} {
		r := httptest.NewRequest(test.method, test.url, nil)
		r.Host = test.host
		r.Header.Set("Origin", "https://evil.example")
		w := httptest.NewRecorder()
		New().ServeHTTP(w, r)
		header := w.Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Access-Control-Allow-Origin": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%v: %s is %q, want %q", test, name, got, want)
			}
		}
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%v: policy %q", test, policy)
		}
	}
}

// E14: a nil pointer as the source made each request panic, and so did an event of the
// zero Handler.
func TestZeroAndNil(t *testing.T) {
	h := new(Handler)
	h.Watch((*lbclient.Client)(nil))
	h.AttemptEnded(t.Context(), lbclient.AttemptEvent{Endpoint: "a"})
	h.EndpointEjected(lbclient.HealthEvent{})
	if w := ask(h, "GET", "/?format=json"); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	h.Watch(nil)
	if got := h.Snapshot().Endpoints; len(got) != 0 {
		t.Errorf("endpoints %v", got)
	}
}
