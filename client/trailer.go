package client

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/client/internal/documents"
)

// trailerError is the trailer in which a server reports errors that happen after
// it has sent status 200.
const trailerError = "X-Stream-Error"

var (
	errUnframed = errors.New("the body ended with the connection, so it is not known whether it was cut: " +
		"let the proxy speak HTTP/1.1 to the peer, or set AllowUnverifiedStreams")
	errNoTrailer = errors.New("the " + trailerError + " trailer did not come, so it is not known whether the server had failed: " +
		"let the proxy pass trailers, or set AllowUnverifiedStreams")
)

// verify is called at the regular end of a streamed body. It returns the errors
// that the trailer reports. If there are none, and nothing proves that the body is
// complete, it returns an error that wraps ErrIncomplete (U48).
func (r *response) verify(s *documents.Decoder) error {
	values := r.Trailer[trailerError]
	if len(values) > 0 {
		r.client.passesTrailers.Store(true)
	}
	// The first value is empty. Each error follows as a value of its own.
	if messages := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }); len(messages) > 0 {
		return r.streamError(slices.Compact(messages))
	}
	switch {
	case r.client.cfg.AllowUnverifiedStreams, r.StatusCode == http.StatusNoContent:
		return nil
	case s.IsArray():
		// The closing bracket proves that the array is complete. A server that sends
		// an array reports errors with the status.
		return nil
	case r.ProtoMajor < 2 && r.ContentLength < 0 && len(r.TransferEncoding) == 0 && !r.Uncompressed:
		return r.brokenError(errUnframed)
	case !r.trailerAnnounced():
		// A proxy removed the trailer and its announcement, or the server has no
		// trailers. Late errors are lost, but the framing proves that the body was
		// not cut.
		r.client.warnUnannounced()
	case r.req.body == nil && len(values) == 0:
		// A successful listing has a trailer. A successful add has none.
		return r.brokenError(errNoTrailer)
	}
	return nil
}

// warnUnannounced logs, once per client, that late errors of this endpoint's
// streams cannot be detected.
func (c *defaultClient) warnUnannounced() {
	if c.cfg.Logger == nil {
		return
	}
	c.unannounced.Do(func() {
		c.cfg.Logger.Warn("streams come without the "+trailerError+" trailer, so errors behind the first item stay unseen: "+
			"let the proxy pass trailers", "endpoint", c.endpoint.Name)
	})
}

// trailerAnnounced reports whether the header announced the trailer. The HTTP
// library moves the announcement from the header to the keys of Trailer, unless
// the body's framing does not allow trailers.
func (r *response) trailerAnnounced() bool {
	if _, ok := r.Trailer[trailerError]; ok {
		return true
	}
	for _, line := range r.Header.Values("Trailer") {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), trailerError) {
				return true
			}
		}
	}
	return false
}
