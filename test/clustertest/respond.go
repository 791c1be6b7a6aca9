package clustertest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/pinfleet/pinfleet/api"
)

// errNotFound is the only error that is answered with 404 (Q6).
var errNotFound = errors.New("pin is not part of the pinset")

// setHeaders sets the header fields that answers of the API have in common.
func (p *Peer) setHeaders(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range p.c.opts.Header {
		h[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	h.Set("Content-Type", "application/json")
}

// sendJSON sends a status and a JSON document.
func (p *Peer) sendJSON(w http.ResponseWriter, status int, v any) {
	p.setHeaders(w)
	w.WriteHeader(status)
	// An error means that the client is gone.
	_ = json.NewEncoder(w).Encode(p.c.opts.Legacy.convert(v))
}

// sendEmpty sends a 204.
func (p *Peer) sendEmpty(w http.ResponseWriter) {
	p.setHeaders(w)
	w.WriteHeader(http.StatusNoContent)
}

// sendCode sends a status and an error document.
func (p *Peer) sendCode(w http.ResponseWriter, status int, message string) {
	p.sendJSON(w, status, api.Error{Code: status, Message: message})
}

// sendError sends an error of the cluster: 404 if its text is that of
// errNotFound, otherwise 500.
func (p *Peer) sendError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if err.Error() == errNotFound.Error() {
		status = http.StatusNotFound
	}
	p.sendCode(w, status, err.Error())
}

// send sends v, or err if it is not nil.
func send[T any](p *Peer, w http.ResponseWriter, v T, err error) {
	if err != nil {
		p.sendError(w, err)
		return
	}
	p.sendJSON(w, http.StatusOK, v)
}
