package clustertest

import (
	"net/http"
	"path"
	"strings"
)

// A handlerFunc serves a route. vars holds the path segments that the pattern
// names.
type handlerFunc func(p *Peer, w http.ResponseWriter, r *http.Request, vars map[string]string)

type route struct {
	method  string
	pattern string
	handle  handlerFunc
}

// routes are in the order in which the daemon registers them. The first match
// wins, and the order decides between 404 and 405. {name} matches one segment,
// {name...} the rest of the path, and {keyType} one of ipfs, ipns and ipld.
var routes = []route{
	{http.MethodGet, "/id", (*Peer).handleID},
	{http.MethodGet, "/version", (*Peer).handleVersion},
	{http.MethodGet, "/peers", (*Peer).handlePeers},
	{http.MethodPost, "/peers", (*Peer).handlePeerAdd},
	{http.MethodDelete, "/peers/{peer}", (*Peer).handlePeerRm},
	{http.MethodPost, "/add", (*Peer).handleAdd},
	{http.MethodGet, "/allocations", (*Peer).handleAllocations},
	{http.MethodGet, "/allocations/{hash}", (*Peer).handleAllocation},
	{http.MethodGet, "/pins", (*Peer).handleStatusAll},
	{http.MethodPost, "/pins/{hash}/recover", (*Peer).handleRecover},
	{http.MethodPost, "/pins/recover", (*Peer).handleRecoverAll},
	{http.MethodGet, "/pins/{hash}", (*Peer).handleStatus},
	{http.MethodPost, "/pins/{hash}", (*Peer).handlePin},
	{http.MethodPost, "/pins/{keyType}/{path...}", (*Peer).handlePinPath},
	{http.MethodDelete, "/pins/{hash}", (*Peer).handleUnpin},
	{http.MethodDelete, "/pins/{keyType}/{path...}", (*Peer).handleUnpinPath},
	{http.MethodPost, "/ipfs/gc", (*Peer).handleRepoGC},
	{http.MethodGet, "/health/graph", (*Peer).handleGraph},
	{http.MethodGet, "/health/alerts", (*Peer).handleAlerts},
	{http.MethodGet, "/health/bandwidth", (*Peer).handleBandwidth},
	{http.MethodGet, "/monitor/metrics/{name}", (*Peer).handleMetrics},
	{http.MethodGet, "/monitor/metrics", (*Peer).handleMetricNames},
	{http.MethodPost, "/token", (*Peer).handleToken},
	{http.MethodGet, "/health", (*Peer).handleHealth},
}

// Routes returns the names of all routes, such as "POST /pins/{hash}", in the
// form of [Fault].Route and [Request].Route.
func Routes() []string {
	names := make([]string, len(routes))
	for i, rt := range routes {
		names[i] = rt.name()
	}
	return names
}

func (rt route) name() string { return rt.method + " " + rt.pattern }

// match reports whether path matches the route, and returns its variables.
func (rt route) match(path string) (map[string]string, bool) {
	var vars map[string]string
	pattern, path := strings.TrimPrefix(rt.pattern, "/"), strings.TrimPrefix(path, "/")
	for {
		want, morePattern, goesOn := strings.Cut(pattern, "/")
		got, morePath, pathGoesOn := strings.Cut(path, "/")
		name, isVar := strings.CutPrefix(want, "{")
		name = strings.TrimSuffix(name, "}")
		rest, isRest := strings.CutSuffix(name, "...")
		switch {
		case isRest:
			vars[rest] = path
			return vars, true
		case isVar && got != "" && (name != "keyType" || isKeyType(got)):
			if vars == nil {
				vars = make(map[string]string, 2)
			}
			vars[name] = got
		case isVar || want != got:
			return nil, false
		}
		if goesOn != pathGoesOn {
			return nil, false
		}
		if !goesOn {
			return vars, true
		}
		pattern, path = morePattern, morePath
	}
}

func isKeyType(segment string) bool {
	return segment == "ipfs" || segment == "ipns" || segment == "ipld"
}

// findRoute returns the route of a request, or nil and the status of the
// answer. A path that matches only routes with other methods gets 405. As in
// the daemon's router, it gets 404 instead if a route after the last of these
// has the request's method and any other path.
func findRoute(method, path string) (*route, map[string]string, int) {
	status := http.StatusNotFound
	for i := range routes {
		rt := &routes[i]
		vars, ok := rt.match(path)
		switch {
		case ok && rt.method == method:
			return rt, vars, 0
		case ok:
			status = http.StatusMethodNotAllowed
		case rt.method == method:
			status = http.StatusNotFound
		}
	}
	return nil, nil, status
}

// serveAPI serves a request that has passed authentication and CORS.
func (p *Peer) serveAPI(w http.ResponseWriter, r *http.Request) {
	if trimmed, ok := strings.CutSuffix(r.URL.Path, "/"); ok {
		u := *r.URL
		u.Path, u.RawPath = trimmed, strings.TrimSuffix(r.URL.RawPath, "/")
		http.Redirect(w, r, u.String(), http.StatusTemporaryRedirect)
		return
	}
	if clean := path.Clean("/" + r.URL.Path); clean != r.URL.Path {
		u := *r.URL
		u.Path, u.RawPath = clean, ""
		w.Header().Set("Location", u.String())
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	rt, vars, status := findRoute(r.Method, r.URL.Path)
	switch {
	case rt != nil:
		rt.handle(p, w, r, vars)
	case status == http.StatusMethodNotAllowed:
		w.WriteHeader(status)
	default:
		p.sendCode(w, status, "not found")
	}
}
