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
	c.state.Describe(descs)
	c.inFlight.Describe(descs)
	descs <- c.left
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	lb := c.lb
	c.mu.Unlock()
	if lb != nil {
		c.update(leaves(lb.Endpoints()))
		c.state.Collect(metrics)
		c.inFlight.Collect(metrics)
		metrics <- prometheus.MustNewConstMetric(c.left, prometheus.GaugeValue, float64(lb.RetriesLeft()))
	}
	for _, v := range c.vectors() {
		v.Collect(metrics)
	}
}

// update sets the gauges of the endpoints, and removes the series of those that the
// load balancer no longer has.
func (c *Collector) update(infos map[string]lbclient.EndpointInfo) {
	c.series.Lock()
	defer c.series.Unlock()
	for label, info := range infos {
		c.at(label)
		c.gaugesOf(label).set(info)
	}
	c.endpoints.Range(func(label, _ any) bool {
		if _, there := infos[label.(string)]; !there {
			c.endpoints.Delete(label)
			c.forget(prometheus.Labels{labelEndpoint: label.(string)})
		}
		return true
	})
}

// endpointGauges are the gauges of an endpoint.
type endpointGauges struct {
	inFlight prometheus.Gauge
	states   []prometheus.Gauge // for each of states
}

// gaugesOf returns the gauges of an endpoint, which are looked up once. The caller has
// locked c.series for writing.
func (c *Collector) gaugesOf(label string) *endpointGauges {
	g := c.gauges[label]
	if g == nil {
		g = &endpointGauges{inFlight: c.inFlight.WithLabelValues(label)}
		for _, s := range states {
			g.states = append(g.states, c.state.WithLabelValues(label, string(s)))
		}
		c.gauges[label] = g
	}
	return g
}

func (g *endpointGauges) set(info lbclient.EndpointInfo) {
	g.inFlight.Set(float64(info.InFlight))
	for i, s := range states {
		is := 0.0
		if s == info.State {
			is = 1
		}
		g.states[i].Set(is)
	}
}

// forget removes the series of an endpoint.
func (c *Collector) forget(gone prometheus.Labels) {
	delete(c.gauges, gone[labelEndpoint])
	c.attemptTime.DeletePartialMatch(gone)
	for _, v := range []*prometheus.GaugeVec{c.state, c.inFlight} {
		v.DeletePartialMatch(gone)
	}
	for _, v := range []*prometheus.CounterVec{c.attempts, c.hedges, c.retries, c.verifications, c.sent, c.ejections, c.readmissions} {
		v.DeletePartialMatch(gone)
	}
}

// leaves returns the endpoints, and those of nested load balancers, by the values of
// their labels. Of two with one name, it has the first.
func leaves(infos []lbclient.EndpointInfo) map[string]lbclient.EndpointInfo {
	all := make(map[string]lbclient.EndpointInfo, len(infos))
	var add func([]lbclient.EndpointInfo)
	add = func(infos []lbclient.EndpointInfo) {
		for _, info := range infos {
			label := validText(info.Endpoint)
			if _, there := all[label]; !there {
				all[label] = info
			}
			add(info.Endpoints)
		}
	}
	add(infos)
	return all
}
