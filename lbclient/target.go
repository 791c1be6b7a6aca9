package lbclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/pinfleet/pinfleet/client"
)

type targetKey struct{}

// WithEndpoint returns a copy of ctx that sends calls to the endpoint with the given
// name. Such a call has one attempt, which is made even if the endpoint is ejected. Use
// WithEndpoint for calls whose answer depends on the peer: ID, Version, Alerts, and
// calls whose argument local is true.
//
// [Client.Endpoints] and errors contain the names. If several endpoints have the same
// name, the first is used. An unknown name fails the call with [client.ErrInvalid]. An
// empty name has no effect.
func WithEndpoint(ctx context.Context, endpoint string) context.Context {
	return context.WithValue(ctx, targetKey{}, endpoint)
}

// targetOf returns the name that WithEndpoint put into ctx, or "".
func targetOf(ctx context.Context) string {
	name, _ := ctx.Value(targetKey{}).(string)
	return name
}

// target returns the endpoint named by ctx, or nil if ctx names none, and the context
// for the call. If the name is that of an endpoint of a nested load balancer, the
// context keeps the name, so that the nested load balancer can look it up. Otherwise
// the context has no name.
func (c *Client) target(ctx context.Context, op client.Op) (*endpoint, context.Context, error) {
	name := targetOf(ctx)
	if name == "" {
		return nil, ctx, nil
	}
	for _, ep := range c.pool.list() {
		if ep.name == name {
			return ep, context.WithValue(ctx, targetKey{}, ""), nil
		}
	}
	for _, ep := range c.pool.list() {
		if inner, ok := ep.Client.(*Client); ok && inner.hasEndpoint(name) {
			return ep, ctx, nil
		}
	}
	return nil, nil, &client.Error{Op: op, Err: fmt.Errorf("%w: no endpoint is named %q; the names are %s",
		client.ErrInvalid, name, strings.Join(c.names(), ", "))}
}
