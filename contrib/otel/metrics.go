package otel

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"
)

// instruments holds the instruments of all metrics.
type instruments struct {
	calls                   rpcconv.ClientCallDuration
	attempts                metric.Float64Histogram
	active                  metric.Int64UpDownCounter
	retries                 metric.Int64Counter
	exhausted               metric.Int64Counter
	ejections, readmissions metric.Int64Counter
}

// durations are the bucket bounds of pinfleet.client.attempt.duration, in
// seconds: the bounds that the semantic conventions recommend for calls, and
// some more for adds and garbage collections, which take minutes.
var durations = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 1800}

// newInstruments creates the instruments.
func newInstruments(m metric.Meter) (*instruments, error) {
	i := &instruments{}
	var errs [7]error
	i.calls, errs[0] = rpcconv.NewClientCallDuration(m)
	i.attempts, errs[1] = m.Float64Histogram("pinfleet.client.attempt.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of the attempts of calls."), metric.WithExplicitBucketBoundaries(durations...))
	i.active, errs[2] = m.Int64UpDownCounter("pinfleet.client.attempt.active", metric.WithUnit("{attempt}"),
		metric.WithDescription("Number of attempts in flight."))
	i.retries, errs[3] = m.Int64Counter("pinfleet.client.retries", metric.WithUnit("{retry}"),
		metric.WithDescription("Number of attempts that failed and were followed by another."))
	i.exhausted, errs[4] = m.Int64Counter("pinfleet.client.retry_budget.exhausted", metric.WithUnit("{call}"),
		metric.WithDescription("Number of calls that failed because the retry budget was exhausted."))
	i.ejections, errs[5] = m.Int64Counter("pinfleet.client.endpoint.ejections", metric.WithUnit("{ejection}"),
		metric.WithDescription("Number of times that an endpoint was ejected."))
	i.readmissions, errs[6] = m.Int64Counter("pinfleet.client.endpoint.readmissions", metric.WithUnit("{readmission}"),
		metric.WithDescription("Number of times that an endpoint was readmitted."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	return i, nil
}
