package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Metric is a value that a peer reports about itself. It is valid until Expire.
type Metric struct {
	Name          string  `json:"name"`
	Peer          peer.ID `json:"peer"`
	Value         string  `json:"value"`
	Expire        int64   `json:"expire"` // Unix time in nanoseconds
	Valid         bool    `json:"valid"`
	Weight        int64   `json:"weight"` // larger is preferred in allocations
	Partitionable bool    `json:"partitionable"`
	ReceivedAt    int64   `json:"received_at"` // Unix time in nanoseconds
}

// MetricsSet holds metrics by name.
type MetricsSet map[string][]Metric

// SetTTL makes the metric expire d from now.
func (m *Metric) SetTTL(d time.Duration) { m.Expire = time.Now().Add(d).UnixNano() }

// GetTTL returns the time until the metric expires, or 0 if it has expired.
func (m Metric) GetTTL() time.Duration { return max(0, time.Until(time.Unix(0, m.Expire))) }

// Expired reports whether the metric has expired.
func (m Metric) Expired() bool { return time.Now().After(time.Unix(0, m.Expire)) }

// Discard reports whether the metric must not be used because it is invalid or has
// expired.
func (m Metric) Discard() bool { return !m.Valid || m.Expired() }

// GetWeight returns m.Weight.
func (m Metric) GetWeight() int64 { return m.Weight }

// Defined reports whether the metric has a name.
func (m Metric) Defined() bool { return m.Name != "" }

// String returns a one-line description of the metric for logs.
func (m Metric) String() string {
	return fmt.Sprintf("%s of %s: %s, weight: %d, valid: %t, expires: %s",
		m.Name, m.Peer, m.Value, m.Weight, m.Valid, time.Unix(0, m.Expire).UTC().Format(time.RFC3339))
}

// UnmarshalJSON decodes as the package comment describes.
func (m *Metric) UnmarshalJSON(b []byte) error {
	type plain Metric
	var wire struct {
		plain
		Peer peerID `json:"peer"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	*m = Metric(wire.plain)
	m.Peer = peer.ID(wire.Peer)
	return nil
}

// MetricSlice implements sort.Interface. It sorts metrics by peer ID, then by expiry.
type MetricSlice []Metric

// Len implements sort.Interface.
func (s MetricSlice) Len() int { return len(s) }

// Swap implements sort.Interface.
func (s MetricSlice) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Less implements sort.Interface.
func (s MetricSlice) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(s[i].Peer, s[j].Peer), cmp.Compare(s[i].Expire, s[j].Expire)) < 0
}

// Alert reports that a peer has stopped renewing a metric.
type Alert struct {
	Metric
	TriggeredAt time.Time `json:"triggered_at"`
}

// UnmarshalJSON decodes as the package comment describes.
func (a *Alert) UnmarshalJSON(b []byte) error {
	var alert Alert
	if err := json.Unmarshal(b, &alert.Metric); err != nil {
		return err
	}
	var wire struct {
		TriggeredAt time.Time `json:"triggered_at"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	alert.TriggeredAt = wire.TriggeredAt
	*a = alert
	return nil
}

// Bandwidth holds the traffic totals in bytes since the peer started, and the
// current rates in bytes per second.
type Bandwidth struct {
	TotalIn  int64   `json:"total_in"`
	TotalOut int64   `json:"total_out"`
	RateIn   float64 `json:"rate_in"`
	RateOut  float64 `json:"rate_out"`
}

// BandwidthByProtocol holds the traffic by libp2p protocol, such as /ipfs/id/1.0.0.
// It is nil if the peer does not measure traffic.
type BandwidthByProtocol map[string]Bandwidth
