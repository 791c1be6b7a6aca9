package clustertest

import (
	"net/http"
	"slices"
	"strings"
)

const (
	corsExposed   = "Content-Type, X-Stream-Output, X-Chunked-Output, X-Content-Length"
	corsPreflight = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
)

// cors applies the daemon's default CORS policy: any origin, GET only, three
// request headers.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		origin := r.Header.Get("Origin")
		wanted := r.Header.Get("Access-Control-Request-Method")
		if r.Method == http.MethodOptions && wanted != "" {
			h.Add("Vary", corsPreflight)
			headers := r.Header["Access-Control-Request-Headers"]
			if origin != "" && corsMethod(wanted) && corsHeaders(headers) {
				allowOrigin(h)
				h.Set("Access-Control-Allow-Methods", wanted)
				if len(headers) > 0 && headers[0] != "" {
					h["Access-Control-Allow-Headers"] = slices.Clone(headers)
				}
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Add("Vary", "Origin")
		if origin != "" && corsMethod(r.Method) {
			allowOrigin(h)
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		next.ServeHTTP(w, r)
	})
}

func allowOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Credentials", "true")
}

func corsMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodOptions
}

// corsHeaders reports whether the requested headers are allowed. Their names
// must be in the form that browsers send: lower case, sorted, without
// duplicates, with at most one blank on each side.
func corsHeaders(lists []string) bool {
	last := ""
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			name = trimBlank(name)
			switch name {
			case "":
				continue
			case "accept", "content-type", "x-requested-with":
			default:
				return false
			}
			if name <= last {
				return false
			}
			last = name
		}
	}
	return true
}

// trimBlank removes at most one space or tab from each side.
func trimBlank(s string) string {
	if s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	if n := len(s); n > 0 && (s[n-1] == ' ' || s[n-1] == '\t') {
		s = s[:n-1]
	}
	return s
}
