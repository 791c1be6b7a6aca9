package rules

import (
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
)

// store puts scrapes into a storage of Prometheus, with the labels that the scrape of
// a program adds.
func store(t *testing.T, scrapes []scrape) *teststorage.TestStorage {
	t.Helper()
	s := teststorage.New(t)
	for _, scraped := range scrapes {
		app := s.Appender(t.Context())
		for _, f := range scraped.families {
			for _, m := range f.Metric {
				appendMetric(t, app, f.GetName(), m, scraped.at)
			}
		}
		must(t, app.Commit())
	}
	return s
}

func appendMetric(t *testing.T, app storage.Appender, name string, m *dto.Metric, at time.Time) {
	t.Helper()
	b := labels.NewScratchBuilder(8)
	b.Add(model.MetricNameLabel, name)
	b.Add("job", "ingest")
	b.Add("instance", "10.0.0.9:8080")
	for _, l := range m.Label {
		if l.GetValue() != "" { // an empty label is none
			b.Add(l.GetName(), l.GetValue())
		}
	}
	b.Sort()
	var err error
	switch {
	case m.Counter != nil:
		_, err = app.Append(0, b.Labels(), at.UnixMilli(), m.Counter.GetValue())
	case m.Gauge != nil:
		_, err = app.Append(0, b.Labels(), at.UnixMilli(), m.Gauge.GetValue())
	default:
		_, err = app.AppendHistogram(0, b.Labels(), at.UnixMilli(), native(m.Histogram), nil)
	}
	must(t, err)
}

// native returns a native histogram in the form that Prometheus stores.
func native(h *dto.Histogram) *histogram.Histogram {
	n := &histogram.Histogram{
		Schema: h.GetSchema(), ZeroThreshold: h.GetZeroThreshold(), ZeroCount: h.GetZeroCount(),
		Count: h.GetSampleCount(), Sum: h.GetSampleSum(), PositiveBuckets: h.GetPositiveDelta(),
	}
	for _, s := range h.GetPositiveSpan() {
		n.PositiveSpans = append(n.PositiveSpans, histogram.Span{Offset: s.GetOffset(), Length: s.GetLength()})
	}
	return n
}
