package api

import (
	"errors"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetricTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := Metric{Name: "ping", Valid: true, Weight: 5}
		if !m.Expired() || m.GetTTL() != 0 {
			t.Error("a metric without expiry has not expired")
		}
		m.SetTTL(time.Minute)
		if m.GetTTL() != time.Minute || m.Expired() || m.Discard() {
			t.Errorf("a fresh metric: %v", m.GetTTL())
		}
		time.Sleep(time.Minute + time.Nanosecond)
		if m.GetTTL() != 0 || !m.Expired() || !m.Discard() {
			t.Errorf("an old metric: %v", m.GetTTL())
		}
		m.SetTTL(time.Minute)
		m.Valid = false
		if !m.Discard() {
			t.Error("an invalid metric is not discarded")
		}
		if !m.Defined() || (Metric{}).Defined() || m.GetWeight() != 5 || !strings.Contains(m.String(), "ping") {
			t.Error("Defined, GetWeight or String")
		}
	})
}

func TestMetricSlice(t *testing.T) {
	a, b := mustPeer(t, textPeer2), mustPeer(t, textPeer3)
	metrics := MetricSlice{{Peer: b, Expire: 1}, {Peer: a, Expire: 2}, {Peer: a, Expire: 1}}
	sort.Sort(metrics)
	if !slices.Equal(metrics, MetricSlice{{Peer: a, Expire: 1}, {Peer: a, Expire: 2}, {Peer: b, Expire: 1}}) {
		t.Errorf("sorted = %v", metrics)
	}
}

func TestError(t *testing.T) {
	var err error = Error{Code: 404, Message: "not found"}
	if err.Error() != "not found (404)" {
		t.Errorf("text = %s", err)
	}
	if found, ok := errors.AsType[Error](err); !ok || found.Code != 404 {
		t.Errorf("as = %v, %t", found, ok)
	}
}
