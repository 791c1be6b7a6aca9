package client

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/pinfleet/pinfleet/config"
)

type headerKey struct{}

// callHeader is the header fields of a context, and what is wrong with them.
type callHeader struct {
	fields http.Header
	err    error
}

// WithHeader returns a context whose calls send the fields of h with each of
// their requests to the cluster: a trace context, a request ID and the like. h
// is copied. Its fields take the place of those of that name in Config.Headers
// and in the context before; a field without values is not sent.
//
// What may be in Config.Headers may be in h, under the same rules: a field
// that the client writes itself, or a credential for a peer that is reached in
// clear text, fails the call with [ErrInvalid] before anything is sent.
func WithHeader(ctx context.Context, h http.Header) context.Context {
	outer := callHeaderOf(ctx)
	inner := callHeader{fields: maps.Clone(outer.fields)}
	if inner.fields == nil {
		inner.fields = make(http.Header, len(h))
	}
	for name, values := range h {
		inner.fields[textproto.CanonicalMIMEHeaderKey(name)] = slices.Clone(values)
	}
	// The default address is a loopback one: credentials are looked at when it
	// is known where they go.
	inner.err = errors.Join(outer.err, (&config.Config{Headers: h}).Validate())
	return context.WithValue(ctx, headerKey{}, inner)
}

// callHeaderOf returns what WithHeader put into ctx.
func callHeaderOf(ctx context.Context) callHeader {
	h, _ := ctx.Value(headerKey{}).(callHeader)
	return h
}

// requestHeader returns what every request carries.
func requestHeader(cfg *config.Config) http.Header {
	h := cfg.Headers.Clone()
	if h == nil {
		h = http.Header{}
	}
	ua := cfg.UserAgent
	if ua == "" {
		ua = "pinfleet"
	}
	h.Set("User-Agent", ua)
	return h
}

const idempotencyKey = "Idempotency-Key"

// repeatableHeader returns header for requests that may be repeated: a key
// without a value is not sent, but lets the HTTP library do so when an idle
// connection turns out to be dead.
func repeatableHeader(header http.Header) http.Header {
	header = header.Clone()
	if _, given := header[idempotencyKey]; !given {
		header[idempotencyKey] = nil
	}
	return header
}

// repeatable tells whether a request that was written to a dead connection may
// be written to another one, unnoticed by the caller. A repeated Unpin could
// come back as not found.
func repeatable(op Op) bool {
	return op.ReplayClass() != ReplayOnce && op != OpUnpin && op != OpUnpinPath
}

// headerFor returns the header of a request: the client's, the fields of the
// context, and what is the request's own. It is not to be changed.
func (c *defaultClient) headerFor(ctx context.Context, req *request, authorization string) (http.Header, error) {
	header := c.header
	if repeatable(req.op) {
		header = c.repeatable
	}
	fields, err := c.contextFields(ctx)
	if err != nil {
		return nil, err
	}
	contentType := req.contentType()
	if len(fields) == 0 && contentType == "" && authorization == "" && c.cfg.RoundTripper == nil {
		return header, nil // one for all: the built-in transport does not change it
	}
	header = header.Clone()
	maps.Copy(header, fields)
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	if authorization != "" {
		header.Set("Authorization", authorization)
	}
	return header, nil
}

// contextFields returns the fields of the context, which may go to this peer.
func (c *defaultClient) contextFields(ctx context.Context) (http.Header, error) {
	h := callHeaderOf(ctx)
	if len(h.fields) == 0 || h.err != nil {
		return nil, h.err
	}
	addr, err := c.cfg.Address()
	if err != nil {
		return nil, err
	}
	rules := config.Config{Headers: h.fields, AllowCleartextAuth: c.cfg.AllowCleartextAuth}
	return h.fields, rules.CheckCleartext(addr)
}

// contentType returns what the body of the request is, empty if it has none.
func (req *request) contentType() string {
	switch {
	case req.json != nil:
		return "application/json"
	case req.body != nil:
		return "multipart/form-data; boundary=" + req.body.Boundary
	}
	return ""
}

const (
	// maxRequestHead is what a server with default settings accepts as
	// request line and headers: 4096 bytes and the slack that Go's HTTP
	// server adds.
	maxRequestHead = 8192
	// headSlack is left for what the HTTP library and a proxy add, such as
	// Transfer-Encoding and X-Forwarded-For.
	headSlack = 256
)

// checkHead refuses a request that the server would refuse for its size:
// sometimes with 431, sometimes not, depending on the connection (U13).
func checkHead(op Op, hreq *http.Request) error {
	if size := headSize(hreq); size > maxRequestHead {
		return invalid(op, "the request line and headers would take %d bytes, and servers accept %d: use fewer or shorter options", size, maxRequestHead)
	}
	return nil
}

// headSize returns how many bytes request line and headers take.
func headSize(hreq *http.Request) int {
	u := hreq.URL
	size := headSlack + len(hreq.Method) + len(u.EscapedPath()) + len("?") + len(u.RawQuery) + len("  HTTP/1.1\r\nHost: \r\n") + len(hreq.Host)
	for name, values := range hreq.Header {
		for _, v := range values {
			size += len(name) + len(": \r\n") + len(v)
		}
	}
	return size
}
