package client

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/client/internal/documents"
)

// trailerError is the trailer in which a server reports errors of a stream
// whose status line said 200.
const trailerError = "X-Stream-Error"

var (
	errUnframed = errors.New("the body ended with the connection, so nobody can tell whether it was cut: " +
		"let the proxy speak HTTP/1.1 to the peer, or set AllowUnverifiedStreams")
	errNoTrailer = errors.New("the " + trailerError + " trailer did not come, so nobody can tell whether the server had failed: " +
		"let the proxy pass trailers, or set AllowUnverifiedStreams")
)

// verify tells, at the proper end of a streamed body, whether it was all: what
// the trailer reports, and whether there is reason to believe that there was
// nothing to report (U48).
func (r *response) verify(s *documents.Decoder) error {
	values := r.Trailer[trailerError]
	// A success has one empty value, several errors have one each behind it.
	if messages := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }); len(messages) > 0 {
		return r.streamError(slices.Compact(messages))
	}
	switch {
	case r.client.cfg.AllowUnverifiedStreams, r.StatusCode == http.StatusNoContent:
		return nil
	case s.IsArray():
		// Complete with its closing bracket: such a server reports errors by
		// status.
		return nil
	case r.ProtoMajor < 2 && r.ContentLength < 0 && len(r.TransferEncoding) == 0 && !r.Uncompressed:
		return r.brokenError(errUnframed)
	case !r.trailerAnnounced():
		// A proxy took the trailer with its announcement, or this is no server
		// that has one. There is nothing to verify with; the framing says that
		// the body was not cut.
		r.client.warnUnannounced()
	case r.req.body == nil && len(values) == 0:
		// An add that went well has no trailer, but a listing has.
		return r.brokenError(errNoTrailer)
	}
	return nil
}

// warnUnannounced logs, once, that errors in the middle of streams are not
// reported by this endpoint.
func (c *defaultClient) warnUnannounced() {
	if c.cfg.Logger == nil {
		return
	}
	c.unannounced.Do(func() {
		c.cfg.Logger.Warn("streams come without the "+trailerError+" trailer, so errors behind the first item stay unseen: "+
			"let the proxy pass trailers", "endpoint", c.endpoint.Name)
	})
}

// trailerAnnounced tells whether the header promised the trailer. The HTTP
// library moves the promise from the header to the keys of Trailer, unless the
// body's framing does not allow trailers.
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
