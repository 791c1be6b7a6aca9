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

// headerFor returns a copy of the headers of a request: the client's, and those
// of the context.
func (c *defaultClient) headerFor(ctx context.Context) (http.Header, error) {
	header := c.header.Clone()
	h := callHeaderOf(ctx)
	if len(h.fields) == 0 {
		return header, nil
	}
	if h.err != nil {
		return nil, h.err
	}
	addr, err := c.cfg.Address()
	if err != nil {
		return nil, err
	}
	rules := config.Config{Headers: h.fields, AllowCleartextAuth: c.cfg.AllowCleartextAuth}
	if err := rules.CheckCleartext(addr); err != nil {
		return nil, err
	}
	maps.Copy(header, h.fields)
	return header, nil
}
