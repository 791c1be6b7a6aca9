package clustertest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Names of the metrics. The name of a tag's metric is metricTag and the tag's key.
const (
	metricPing      = "ping"
	metricPinQueue  = "pinqueue"
	metricFreeSpace = "freespace"
	metricTag       = "tag:"
)

// maxAlerts is the number of alerts that GET /health/alerts keeps.
const maxAlerts = 1000

// renewed returns the time of the peer's last renewal of its metrics, not later
// than now. c.mu must be held, also for the methods below.
func (p *Peer) renewed(now time.Time) time.Time {
	if !p.up {
		now = p.stoppedAt
	}
	interval := p.c.opts.MetricTTL / 2
	return p.startedAt.Add(now.Sub(p.startedAt).Truncate(interval))
}

func (p *Peer) metricExpiry(now time.Time) time.Time { return p.renewed(now).Add(p.c.opts.MetricTTL) }

func (p *Peer) metricValid(now time.Time) bool { return now.Before(p.metricExpiry(now)) }

func (p *Peer) freeSpace() uint64 {
	return at(p.c.opts.FreeSpace, p.index, defaultFreeSpace-uint64(p.index)<<30)
}

// metric returns a metric of the peer, valid or not.
func (p *Peer) metric(name string, now time.Time) (api.Metric, bool) {
	m := api.Metric{
		Name:       name,
		Peer:       p.id,
		Expire:     p.metricExpiry(now).UnixNano(),
		Valid:      true,
		ReceivedAt: p.renewed(now).UnixNano(),
	}
	switch name {
	case metricPing:
		m.Value = p.pingValue()
	case metricPinQueue:
		m.Value = "0"
	case metricFreeSpace:
		m.Value, m.Weight = strconv.FormatUint(p.freeSpace(), 10), int64(p.freeSpace())
	default:
		key, isTag := strings.CutPrefix(name, metricTag)
		value, ok := p.c.opts.Tags[key]
		if !isTag || !ok {
			return api.Metric{}, false
		}
		m.Value, m.Partitionable = value, true
	}
	return m, true
}

func (p *Peer) pingValue() string {
	value, _ := json.Marshal(struct {
		PeerName string  `json:"peer_name"`
		IPFS     peer.ID `json:"ipfs_id"`
	}{p.name, p.ipfsID})
	return string(value)
}

// alert returns the alert about a stopped peer, once its metrics have expired.
func (p *Peer) alert(now time.Time) (api.Alert, bool) {
	if p.up || p.metricValid(now) {
		return api.Alert{}, false
	}
	m, _ := p.metric(metricPing, now)
	return api.Alert{Metric: m, TriggeredAt: p.metricExpiry(now)}, true
}

func (p *Peer) handleMetricNames(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	names := []string{metricPing, metricPinQueue}
	for key := range p.c.opts.Tags {
		names = append(names, metricTag+key)
	}
	p.sendJSON(w, http.StatusOK, append(names, metricFreeSpace))
}

func (p *Peer) handleMetrics(w http.ResponseWriter, _ *http.Request, vars map[string]string) {
	p.sendJSON(w, http.StatusOK, p.c.metrics(vars["name"]))
}

// metrics returns the valid metrics with the given name, sorted by peer ID.
func (c *Cluster) metrics(name string) []api.Metric {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	metrics := []api.Metric{}
	for _, p := range c.members() {
		if m, ok := p.metric(name, now); ok && p.metricValid(now) {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

func (p *Peer) handleAlerts(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	p.sendJSON(w, http.StatusOK, p.c.allAlerts())
}

// allAlerts returns the alerts, newest first.
func (c *Cluster) allAlerts() []api.Alert {
	c.mu.Lock()
	defer c.mu.Unlock()
	alerts := append([]api.Alert{}, c.alerts...)
	for _, p := range c.members() {
		if a, ok := p.alert(c.now()); ok {
			alerts = append(alerts, a)
		}
	}
	slices.SortStableFunc(alerts, func(a, b api.Alert) int { return b.TriggeredAt.Compare(a.TriggeredAt) })
	return alerts[:min(len(alerts), maxAlerts)]
}

// handleBandwidth sends invented figures for the usual protocols.
func (p *Peer) handleBandwidth(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	bandwidth := make(api.BandwidthByProtocol)
	for i, id := range append(p.c.consensusProtocols(), "", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/lan/kad/1.0.0", rpcProtocol, "/meshsub/1.3.0") {
		bandwidth[id] = api.Bandwidth{TotalIn: int64(1000 * i), TotalOut: int64(1100 * i)}
	}
	p.sendJSON(w, http.StatusOK, bandwidth)
}

// consensusProtocols returns the protocols that the peers have used for
// consensus: that of Raft from the start, or the exchange of CRDT blocks from
// the first pin on.
func (c *Cluster) consensusProtocols() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.members()) < 2:
		return nil
	case c.opts.Consensus == Raft:
		return []string{"/raft/1.0.0/rpc"}
	case c.synced:
		return []string{"/ipfs/bitswap/1.2.0"}
	}
	return nil
}

func (p *Peer) handleGraph(w http.ResponseWriter, _ *http.Request, _ map[string]string) {
	p.sendJSON(w, http.StatusOK, p.c.graph(p))
}

// graph returns the connections between the members as seen by a peer.
func (c *Cluster) graph(asked *Peer) api.ConnectGraph {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := api.ConnectGraph{
		ClusterID:         asked.id,
		IDtoPeername:      make(map[string]string),
		IPFSLinks:         make(map[string][]peer.ID),
		ClusterLinks:      make(map[string][]peer.ID),
		ClusterTrustLinks: make(map[string]bool),
		ClustertoIPFS:     make(map[string]peer.ID),
	}
	members := c.members()
	// links returns the peers that p is connected to: all others that are up.
	links := func(p *Peer, up func(*Peer) bool, id func(*Peer) peer.ID) []peer.ID {
		ids := []peer.ID{}
		for _, other := range members {
			if other != p && up(p) && up(other) {
				ids = append(ids, id(other))
			}
		}
		return ids
	}
	for _, p := range members {
		id := p.idText
		g.ClusterTrustLinks[id] = true
		g.ClusterLinks[id] = links(p, func(p *Peer) bool { return p.up }, func(p *Peer) peer.ID { return p.id })
		if !p.up {
			continue
		}
		g.IDtoPeername[id] = p.name
		if p.ipfsUp {
			g.ClustertoIPFS[id] = p.ipfsID
			g.IPFSLinks[p.ipfsID.String()] = links(p, func(p *Peer) bool { return p.ipfsUp }, func(p *Peer) peer.ID { return p.ipfsID })
		}
	}
	return g
}

// members returns the members of the cluster, sorted by ID. c.mu must be held.
func (c *Cluster) members() []*Peer {
	var members []*Peer
	for _, p := range c.peers {
		if p.member {
			members = append(members, p)
		}
	}
	slices.SortFunc(members, func(a, b *Peer) int { return cmp.Compare(a.id, b.id) })
	return members
}
