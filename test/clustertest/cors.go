package clustertest

import (
	"net/http"
	"strings"
)

const (
	corsExposed   = "Content-Type, X-Stream-Output, X-Chunked-Output, X-Content-Length"
	corsPreflight = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
)

// cors applies the daemon's defaults: any origin, GET only, three request headers.
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		origin := r.Header.Get("Origin")
		wanted := r.Header.Get("Access-Control-Request-Method")
		if r.Method == http.MethodOptions && wanted != "" {
			h.Add("Vary", corsPreflight)
			headers := r.Header.Get("Access-Control-Request-Headers")
			if origin != "" && corsMethod(wanted) && corsHeaders(headers) {
				allowOrigin(h)
				h.Set("Access-Control-Allow-Methods", strings.ToUpper(wanted))
				if headers != "" {
					h.Set("Access-Control-Allow-Headers", headers)
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
	return strings.EqualFold(method, http.MethodGet) || strings.EqualFold(method, http.MethodOptions)
}

func corsHeaders(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "", "accept", "content-type", "x-requested-with":
		default:
			return false
		}
	}
	return true
}
