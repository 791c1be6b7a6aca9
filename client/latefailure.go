package client

import (
	"errors"
	"fmt"
)

// errUnpinned is the error of an add whose root is not in the pinset.
var errUnpinned = errors.New("the server has added the upload but not pinned it, and a proxy has lost the reason: " +
	"let the proxy pass trailers, or set BufferedAdds")

// confirm returns an error if the server has not pinned root, the root of a streamed
// add whose report was right.
//
// A server pins after it has reported everything. If it cannot, it says so only in
// the trailer, and a successful add has none. So an add that failed looks like a
// successful one behind a proxy that drops trailers. confirm asks for the pin only if
// there may be such a proxy.
func (a *adding) confirm(r *response, report *report) error {
	if a.params.NoPin || a.params.Shard || report.decoder.IsArray() || !r.mayLackTrailer() {
		return nil
	}
	_, err := a.client.Allocation(r.ctx, report.root)
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return r.brokenError(errUnpinned)
	case errors.As(err, &e) && e.Status >= 400 && e.Status < 500:
		// This client may not ask for the pin. The report was right.
		a.client.warnUnannounced()
		return nil
	}
	return r.brokenError(fmt.Errorf("a proxy may have lost an error of the server, and whether it has pinned %s cannot be found out: %w", report.root, err))
}

// mayLackTrailer reports whether a proxy may have dropped the trailer of a stream.
// Peers themselves set neither Server nor Via, unless they are configured to.
func (r *response) mayLackTrailer() bool {
	if r.client.passesTrailers.Load() {
		return false
	}
	return r.ContentLength >= 0 || !r.trailerAnnounced() || r.client.cfg.AllowUnverifiedStreams ||
		r.Header.Get("Server") != "" || r.Header.Get("Via") != ""
}
