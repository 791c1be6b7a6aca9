// Package debug shows what a load balancer does: its endpoints, how fast they
// answer, and what happened to them, as one HTML page that keeps itself up to
// date, and as JSON.
//
// A [Handler] is a hook of the load balancer, which tells it about attempts
// and events, and an [http.Handler] that shows them:
//
//	h := debug.New()
//	lb, err := lbclient.New(s, clients, 3, lbclient.WithHooks(h))
//	…
//	h.Watch(lb)
//	http.Handle("/debug/pinfleet/", h)
//
// Endpoints of load balancers within that one are shown, too, but their
// latencies are not: calls would count twice.
//
// It answers GET and HEAD at every path below which it is mounted, with or
// without [http.StripPrefix]: with JSON if the query says format=json or the
// client accepts application/json and not text/html, else with the page. The
// JSON is a [Snapshot].
//
// The page loads nothing but that JSON, and its content security policy
// allows nothing else. There is no authentication, and the names of endpoints
// and the texts of errors tell about the network: mount it where only
// operators get to. It shows no credentials, because names and errors of this
// module have none.
package debug

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/pinfleet/pinfleet/lbclient"
)

// Source is what a [Handler] shows. [lbclient.Client] is one.
type Source interface {
	Endpoints() []lbclient.EndpointInfo
}

// Handler collects what a load balancer does, in bounded memory, and serves
// it. It is safe for concurrent use. Make it with [New]; one Handler is for
// one load balancer.
type Handler struct {
	mu      sync.Mutex
	source  Source
	calls   Calls
	perCall series
	// byName holds the latencies of at most maxEndpoints endpoints.
	byName map[string]*series
	// Changes of the endpoints and events of calls are kept apart: there may
	// be thousands of the latter for one of the former.
	changes, incidents log
	seq                uint64 // of the last event
}

// maxEndpoints bounds of how many endpoints latencies are kept.
const maxEndpoints = 1024

// New returns a Handler that has nothing to show yet: give it to
// [lbclient.WithHooks] and the load balancer to [Handler.Watch].
func New() *Handler {
	return &Handler{byName: map[string]*series{}}
}

// Watch sets whose endpoints are shown. Without it there are none.
func (h *Handler) Watch(s Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.source = s
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "this page can only be read: use GET", http.StatusMethodNotAllowed)
		return
	}
	body, contentType := []byte(nil), "application/json"
	if wantsJSON(r) {
		var err error
		if body, err = json.MarshalIndent(h.Snapshot(), "", "\t"); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	} else {
		p := page()
		body, contentType = p.html, "text/html; charset=utf-8"
		header.Set("Content-Security-Policy", p.policy)
	}
	header.Set("Content-Type", contentType)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// wantsJSON tells whether r asks for JSON and not for the page.
func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "json"
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}
