package client

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/textproto"
	"slices"

	"github.com/pinfleet/pinfleet/config"
)

type headerKey struct{}

// callHeader holds the header fields of a context, and the error of checking them.
type callHeader struct {
	fields http.Header
	err    error
}

// WithHeader returns a context whose calls add the fields of h to each of their
// requests to the cluster, for example a trace context or a request ID.
// WithHeader copies h. A field of h replaces the field of the same name in
// Config.Headers and in ctx. A field without values is not sent.
//
// The rules of Config.Headers apply to h. A call fails with [ErrInvalid], and
// sends nothing, if h has a field that the client writes itself, or a credential
// that would cross the network in clear text without Config.AllowCleartextAuth.
func WithHeader(ctx context.Context, h http.Header) context.Context {
	outer := callHeaderOf(ctx)
	inner := callHeader{fields: maps.Clone(outer.fields)}
	if inner.fields == nil {
		inner.fields = make(http.Header, len(h))
	}
	for name, values := range h {
		inner.fields[textproto.CanonicalMIMEHeaderKey(name)] = slices.Clone(values)
	}
	// Validate accepts credentials here, because the default address is a
	// loopback address. contextFields checks them against the peer's address.
	inner.err = errors.Join(outer.err, (&config.Config{Headers: h}).Validate())
	return context.WithValue(ctx, headerKey{}, inner)
}

// callHeaderOf returns the fields that WithHeader put into ctx.
func callHeaderOf(ctx context.Context) callHeader {
	h, _ := ctx.Value(headerKey{}).(callHeader)
	return h
}

// requestHeader returns the header fields of every request.
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

// repeatableHeader returns header with an Idempotency-Key that has no value. The
// key is not sent, but allows the HTTP library to repeat a request when an idle
// connection turns out to be dead.
func repeatableHeader(header http.Header) http.Header {
	header = header.Clone()
	if _, given := header[idempotencyKey]; !given {
		header[idempotencyKey] = nil
	}
	return header
}

// repeatable reports whether the HTTP library may repeat a request that it wrote
// to a dead connection. An Unpin may not be repeated: if the first request was
// executed, the second one fails as not found.
func repeatable(op Op) bool {
	return op.ReplayClass() != ReplayOnce && op != OpUnpin && op != OpUnpinPath
}

// headerFor returns the header of a request: the client's fields, those of the
// context, and those of the request. The caller must not change it.
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
		return header, nil // shared, because the built-in transport does not change it
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

// contextFields returns the fields of the context. It fails if they must not be
// sent to this peer.
func (c *defaultClient) contextFields(ctx context.Context) (http.Header, error) {
	h := callHeaderOf(ctx)
	if len(h.fields) == 0 || h.err != nil {
		return nil, h.err
	}
	addr, err := c.cfg.Address()
	if err != nil {
		return nil, err
	}
	rules := config.Config{Headers: h.fields, AllowCleartextAuth: c.cfg.AllowCleartextAuth, RoundTripper: c.cfg.RoundTripper, Proxy: c.cfg.Proxy}
	return h.fields, rules.CheckCleartext(addr)
}

// contentType returns the media type of the request's body, or "" without a body.
func (req *request) contentType() string {
	switch {
	case req.json != nil:
		return "application/json"
	case req.body != nil:
		return "multipart/form-data; boundary=" + req.body.Boundary
	}
	return ""
}

// headSlack leaves room, in bytes, for headers that the HTTP library and a proxy
// add, such as Transfer-Encoding and X-Forwarded-For.
const headSlack = 256

// maxHead returns the size of request line and headers, in bytes, that the server
// accepts.
func (c *defaultClient) maxHead() int {
	return cmp.Or(c.cfg.MaxHeaderBytes, config.DefaultMaxHeaderBytes)
}

// checkHead returns an error for a request whose head exceeds the server's limit.
// The server itself is not consistent: it answers 431 on a new connection and may
// accept the same request on a reused one (U13).
func (c *defaultClient) checkHead(op Op, hreq *http.Request) error {
	if size := headSize(hreq); size > c.maxHead() {
		return invalid(op, "the request line and headers would take %d bytes, and the server accepts %d: use fewer or shorter options, or set MaxHeaderBytes if the server accepts more", size, c.maxHead())
	}
	return nil
}

// headSize returns the size of request line and headers, in bytes, with headSlack.
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
