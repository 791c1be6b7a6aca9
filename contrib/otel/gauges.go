package otel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Balancer is what [Hook.Observe] reads. [*lbclient.Client] implements it.
type Balancer interface {
	Endpoints() []lbclient.EndpointInfo
	RetriesLeft() int
}

// states are the states of pinfleet.client.endpoint.state.
var states = []lbclient.State{lbclient.Admitted, lbclient.Eligible, lbclient.Ejected, lbclient.Draining}

// Observe reports the state of a load balancer in gauges, whenever the metrics are
// collected. A hook is given to a load balancer before that exists, so Observe is a call of
// its own:
//
//	lb, err := lbclient.NewFromConfigs(s, cfgs, 3, lbclient.WithHooks(hook))
//	…
//	stop, err := hook.Observe(lb)
//
// Call stop when the load balancer is closed. If several load balancers have endpoints of
// the same name, only one of them can be observed with the same meter provider.
func (h *Hook) Observe(lb Balancer) (stop func() error, err error) {
	if nilness.Is(lb) {
		return nil, errors.New("otel: no load balancer to observe")
	}
	var errs [3]error
	state, err := h.meter.Int64ObservableGauge("pinfleet.client.endpoint.state", metric.WithUnit("{endpoint}"),
		metric.WithDescription("1 for the state that an endpoint is in, 0 for the others."))
	errs[0] = err
	inFlight, err := h.meter.Int64ObservableGauge("pinfleet.client.endpoint.in_flight", metric.WithUnit("{attempt}"),
		metric.WithDescription("Number of attempts in flight at an endpoint."))
	errs[1] = err
	left, err := h.meter.Int64ObservableGauge("pinfleet.client.retry_budget.left", metric.WithUnit("{retry}"),
		metric.WithDescription("Number of retries that the retry budget allows now."))
	errs[2] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	registration, err := h.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(left, int64(lb.RetriesLeft()))
		for _, e := range leaves(lb.Endpoints()) {
			where := endpointAttributes(e.Endpoint)
			o.ObserveInt64(inFlight, int64(e.InFlight), metric.WithAttributes(where...))
			for _, s := range states {
				is := int64(0)
				if s == e.State {
					is = 1
				}
				o.ObserveInt64(state, is, metric.WithAttributes(where...), metric.WithAttributes(attribute.String("pinfleet.state", string(s))))
			}
		}
		return nil
	}, state, inFlight, left)
	if err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	return registration.Unregister, nil
}

// leaves returns the endpoints, and those of nested load balancers.
func leaves(infos []lbclient.EndpointInfo) []lbclient.EndpointInfo {
	var all []lbclient.EndpointInfo
	for _, info := range infos {
		all = append(all, info)
		all = append(all, leaves(info.Endpoints)...)
	}
	return all
}
