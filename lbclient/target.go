package lbclient

import (
	"context"
	"fmt"
	"strings"

	"github.com/pinfleet/pinfleet/client"
)

type targetKey struct{}

// WithEndpoint returns a context that targets a call at the endpoint of that
// name: the call has one attempt, there and nowhere else, whether the endpoint is
// ejected or not. Names are what [Client.Endpoints] lists and what errors
// tell; the first endpoint counts where two have the same. A name that the
// load balancer does not know fails the call, an empty one targets nothing.
//
// It is for the calls whose answer depends on who is asked: those with local
// set, ID, Version, Alerts and the like.
func WithEndpoint(ctx context.Context, endpoint string) context.Context {
	return context.WithValue(ctx, targetKey{}, endpoint)
}

// targetOf returns the name that WithEndpoint put into ctx, empty if there is
// none.
func targetOf(ctx context.Context) string {
	name, _ := ctx.Value(targetKey{}).(string)
	return name
}

// target returns the endpoint that ctx targets the call at, nil if it has none,
// and the context for the call: a load balancer within this one looks at the
// name again only if it is one of its own.
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
