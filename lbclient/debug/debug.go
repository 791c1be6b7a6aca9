// Package debug serves the state of a load balancer over HTTP: its endpoints, their
// latencies, the calls by operation and recent events. It serves a live HTML page and JSON.
//
// A [Handler] is both a hook of the load balancer, which collects attempts and events,
// and an [http.Handler], which shows them:
//
//	h := debug.New()
//	lb, err := lbclient.New(s, clients, 3, lbclient.WithHooks(h))
//	…
//	h.Watch(lb)
//	http.Handle("/debug/pinfleet/", h)
//
// The endpoints of nested load balancers are shown without latencies, because the
// Handler is a hook of the outer load balancer only. As a hook of both, it would count
// calls twice.
//
// The Handler responds to GET and HEAD for any path, so it can be mounted anywhere, with
// or without [http.StripPrefix]. The response is JSON, a [Snapshot], if the query has
// format=json or if the request accepts application/json and not text/html. Otherwise it
// is the page.
//
// The page loads nothing but that JSON, and its content security policy allows nothing
// else. The Handler has no authentication, and endpoint names and error texts reveal
// details of the network: make it accessible to operators only. It shows no credentials,
// because names and errors of this module contain none.
//
// The Handler responds only if the Host of the request is an IP address, localhost, or
// a name given to [Handler.AllowHosts]. Otherwise, a page in an operator's browser could
// read it through a host name that resolves to this machine.
package debug

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Source provides the endpoints that a [Handler] shows. [lbclient.Client] implements it.
// If it also has its methods Strategy and RetriesLeft, their results are shown too.
type Source interface {
	// Endpoints returns the current state of the endpoints.
	Endpoints() []lbclient.EndpointInfo
}

// Handler collects the attempts and events of one load balancer, in bounded memory, and
// serves them over HTTP. It is safe for concurrent use. The zero value is empty and
// ready for use.
type Handler struct {
	mu      sync.Mutex
	hosts   map[string]bool // from AllowHosts
	name    string          // from SetName
	source  Source
	calls   Calls
	perCall series
	byOp    map[client.Op]*operation
	// byName holds the latencies of endpoints.
	byName map[string]*series
	// Changes of endpoints, probes and events of calls are in separate logs, so that
	// thousands of events of calls do not push out the changes of endpoints.
	changes, probes, incidents log
	seq                        uint64 // of the last event
}

// maxEndpoints is the maximum number of endpoints in Handler.byName.
const maxEndpoints = 1024

// New returns an empty Handler. Pass it to [lbclient.WithHooks], and pass the load
// balancer to [Handler.Watch].
func New() *Handler {
	return &Handler{}
}

// SetName sets the name that the page shows, for programs with several load balancers.
func (h *Handler) SetName(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.name = bounded(name)
}

// Watch sets the source of the endpoints. Before the first Watch, and if s is nil or a
// nil pointer, the Handler shows none.
func (h *Handler) Watch(s Source) {
	if nilness.Is(s) {
		s = nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.source = s
}

// ServeHTTP implements [http.Handler]. It responds to methods other than GET and HEAD
// with 405, and to hosts that are not allowed with 421.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	secure(header)
	if !h.allows(r.Host) {
		http.Error(w, fmt.Sprintf("this page is not for the host %.100q: use an IP address or localhost, or allow the host with AllowHosts", r.Host), http.StatusMisdirectedRequest)
		return
	}
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

// wantsJSON reports whether r requests JSON instead of the page.
func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return format == "json"
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}
