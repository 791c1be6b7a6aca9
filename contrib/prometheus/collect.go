package prometheus

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pinfleet/pinfleet/internal/nilness"
	"github.com/pinfleet/pinfleet/lbclient"
)

// Balancer is what [Collector.Observe] reads. [*lbclient.Client] implements it.
type Balancer interface {
	Endpoints() []lbclient.EndpointInfo
	RetriesLeft() int
}

// states are the values of pinfleet_state.
var states = []lbclient.State{lbclient.Admitted, lbclient.Eligible, lbclient.Ejected, lbclient.Draining}

// Observe adds the state of a load balancer to what is collected. A hook is given to
// a load balancer before that exists, so Observe is a call of its own. It fails if lb
// is nil, or if the Collector observes a load balancer already.
func (c *Collector) Observe(lb Balancer) error {
	if nilness.Is(lb) {
		return errors.New("prometheus: no load balancer to observe")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lb != nil {
		return errors.New("prometheus: a load balancer is observed already: make a collector for each")
	}
	c.lb = lb
	return nil
}

// vectors returns all metrics but those of the observed load balancer.
func (c *Collector) vectors() []prometheus.Collector {
	return []prometheus.Collector{
		c.callTime, c.calls, c.attemptTime, c.attempts, c.hedges, c.retries, c.exhausted, c.verifications, c.sent, c.ejections, c.readmissions,
	}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, v := range c.vectors() {
		v.Describe(descs)
	}
	descs <- c.state
	descs <- c.inFlight
	descs <- c.left
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	lb := c.lb
	c.mu.Unlock()
	if lb != nil {
		infos := leaves(lb.Endpoints())
		c.forget(infos)
		c.collectGauges(metrics, lb, infos)
	}
	for _, v := range c.vectors() {
		v.Collect(metrics)
	}
}

func (c *Collector) collectGauges(metrics chan<- prometheus.Metric, lb Balancer, infos map[string]lbclient.EndpointInfo) {
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(c.left, lb.RetriesLeft())
	for name, info := range infos {
		name := validText(name)
		gauge(c.inFlight, info.InFlight, name)
		for _, s := range states {
			is := 0
			if s == info.State {
				is = 1
			}
			gauge(c.state, is, name, string(s))
		}
	}
}

// forget removes the series of endpoints that the load balancer no longer has.
func (c *Collector) forget(infos map[string]lbclient.EndpointInfo) {
	c.endpoints.Range(func(name, _ any) bool {
		if _, there := infos[name.(string)]; there {
			return true
		}
		c.endpoints.Delete(name)
		gone := prometheus.Labels{labelEndpoint: validText(name.(string))}
		c.attemptTime.DeletePartialMatch(gone)
		for _, v := range []*prometheus.CounterVec{c.attempts, c.hedges, c.retries, c.verifications, c.sent, c.ejections, c.readmissions} {
			v.DeletePartialMatch(gone)
		}
		return true
	})
}

// leaves returns the endpoints, and those of nested load balancers, by name. Of two
// with one name, it has the first.
func leaves(infos []lbclient.EndpointInfo) map[string]lbclient.EndpointInfo {
	all := make(map[string]lbclient.EndpointInfo, len(infos))
	var add func([]lbclient.EndpointInfo)
	add = func(infos []lbclient.EndpointInfo) {
		for _, info := range infos {
			if _, there := all[info.Endpoint]; !there {
				all[info.Endpoint] = info
			}
			add(info.Endpoints)
		}
	}
	add(infos)
	return all
}
