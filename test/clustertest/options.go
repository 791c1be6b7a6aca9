package clustertest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"
)

// Listen is a set of transports on which every peer serves its REST API.
type Listen uint8

// The transports, in the order of [Peer.Addrs].
const (
	HTTP   Listen = 1 << iota // TCP: /ip4/127.0.0.1/tcp/<port>
	HTTPS                     // TLS over TCP: /ip4/127.0.0.1/tcp/<port>/https
	Unix                      // a Unix socket: /unix/<path>
	Libp2p                    // libp2p streams over TCP: /ip4/127.0.0.1/tcp/<port>/p2p/<id>
	Memory                    // in-process pipes, see Peer.DialContext: /memory/<n>
)

// Consensus is the component through which the peers agree on the pinset.
type Consensus string

// The consensus components. They differ in how peers are added and removed, and
// in the protocols that GET /health/bandwidth lists. With Raft, the options of a
// pin also apply to all later pins that do not set them, as in the daemon (Q9).
const (
	CRDT Consensus = "crdt"
	Raft Consensus = "raft"
)

// Legacy is a set of behaviours of older servers.
type Legacy uint8

// Behaviours of servers before v1.0.0, or before v0.11 for LegacyAccepted.
const (
	LegacyArrays   Legacy = 1 << iota // a list is one JSON array or null, not a stream
	LegacyCids                        // a CID is an object {"/": "<cid>"}
	LegacyTypes                       // a pin's type is a number
	LegacyAccepted                    // pin and unpin answer 202 without a body

	LegacyV0 = LegacyArrays | LegacyCids | LegacyTypes
)

// maxPeers is the number of bits in the mask of the peers that hold a block.
const maxPeers = 64

// Defaults of Options.
const (
	defaultPeers     = 3
	defaultVersion   = "1.1.6+git2182e887ef378f906455784396f1011df968822c"
	defaultHost      = "127.0.0.1"
	defaultMetricTTL = 30 * time.Second
	defaultFreeSpace = 100 << 30
)

// Options configures a cluster. The zero value means three peers that serve
// plain HTTP on free ports of 127.0.0.1, with CRDT consensus, without
// authentication, and with pins that complete at once.
type Options struct {
	// Peers is the number of peers, 1 to 64. 0 means 3.
	Peers int
	// Listen is the set of transports of every peer. 0 means HTTP.
	Listen Listen
	// BasePort fixes the TCP ports: peer i serves HTTP on BasePort+100*i, HTTPS on
	// the port after it (on BasePort+100*i if HTTP is off), and libp2p on
	// BasePort+100*i+2. 0 means free ports. In both cases a peer keeps its ports
	// when it is stopped and started.
	BasePort int
	// Hosts are the IP addresses of the peers. A missing or empty one means
	// 127.0.0.1. Linux accepts all of 127.0.0.0/8.
	Hosts []string
	// UnixDir is the directory of the sockets peer<i>.sock. Empty means a temporary
	// directory, which Close removes. Systems limit the paths of sockets to about
	// 100 bytes.
	UnixDir string
	// TLS is the configuration for HTTPS. Nil means the configuration of the real
	// daemon with a self-signed RSA certificate for 127.0.0.1, ::1, localhost and
	// Hosts; see Cluster.CAPool.
	TLS *tls.Config
	// PrivateNetworkKey is the 32-byte key of a private libp2p network. Nil means none.
	PrivateNetworkKey []byte

	// Identity is the seed of the peer IDs. Clusters with the same Identity have the
	// same IDs in every run; clusters with different ones have different IDs.
	Identity string
	// Names are the names of the peers. The defaults are peer0, peer1, …
	Names []string
	// Version is the version that the peers report. Empty means v1.1.6.
	Version string
	// Consensus is the consensus component. Empty means CRDT.
	Consensus Consensus
	// BasicAuth maps users to passwords. If it is not empty, the API requires basic
	// or bearer authentication, except for OPTIONS requests and GET /health.
	BasicAuth map[string]string
	// Header is added to every answer of the API except redirects, preflights and 405.
	Header http.Header
	// Follower makes the peers refuse writes.
	Follower bool
	// Legacy makes the peers answer like older servers.
	Legacy Legacy

	// ReplicationFactorMin and ReplicationFactorMax are the defaults for pins that
	// do not set these factors. 0 has the same meaning as -1: every peer.
	ReplicationFactorMin, ReplicationFactorMax int
	// FreeSpace holds the freespace metric of each peer, in bytes. Pins are
	// allocated to the peers with the most space. A missing or zero one means about
	// 100 GiB.
	FreeSpace []uint64
	// Tags are the tags of every peer. The peers publish each one as the metric
	// tag:<key>. Nil means group=default.
	Tags map[string]string
	// MetricTTL is the time from a metric's renewal to its expiry. Metrics are
	// renewed twice in this time. A stopped peer remains a candidate for
	// allocations until its metrics expire. 0 means 30 s.
	MetricTTL time.Duration

	// QueueDelay and PinDelay are the times for which a pin is queued and then
	// pinning, at every peer. Pins of added content skip both.
	QueueDelay, PinDelay time.Duration
	// UnpinDelay is the duration of an unpin.
	UnpinDelay time.Duration
	// DiscardBlocks drops the blocks of adds, so that uploads of any size need
	// constant memory. Then paths cannot be resolved and garbage collection finds nothing.
	DiscardBlocks bool
	// Now is the cluster's clock. It must be safe for concurrent use. Nil means
	// time.Now. Cluster.Advance adds to it. Only the Date headers of answers follow
	// the wall clock, because net/http writes them.
	Now func() time.Time
	// Logger receives the errors of the HTTP servers. Nil logs nothing.
	Logger *slog.Logger
}

// withDefaults returns o with defaults for unset options.
func (o Options) withDefaults() Options {
	if o.Peers == 0 {
		o.Peers = defaultPeers
	}
	if o.Listen == 0 {
		o.Listen = HTTP
	}
	if o.Version == "" {
		o.Version = defaultVersion
	}
	if o.Consensus == "" {
		o.Consensus = CRDT
	}
	if o.ReplicationFactorMin == 0 {
		o.ReplicationFactorMin = -1
	}
	if o.ReplicationFactorMax == 0 {
		o.ReplicationFactorMax = -1
	}
	if o.Tags == nil {
		o.Tags = map[string]string{"group": "default"}
	}
	if o.MetricTTL == 0 {
		o.MetricTTL = defaultMetricTTL
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// validate reports all invalid options at once.
func (o Options) validate() error {
	var errs []error
	if o.Peers < 1 || o.Peers > maxPeers {
		errs = append(errs, fmt.Errorf("number of peers %d: use 1 to %d", o.Peers, maxPeers))
	}
	if o.BasePort < 0 || o.BasePort+100*(o.Peers-1)+2 > 65535 {
		errs = append(errs, fmt.Errorf("base port %d: the ports of %d peers must be between 1 and 65535", o.BasePort, o.Peers))
	}
	if o.Consensus != CRDT && o.Consensus != Raft {
		errs = append(errs, fmt.Errorf("unknown consensus %q: use crdt or raft", o.Consensus))
	}
	if n := len(o.PrivateNetworkKey); n != 0 && n != 32 {
		errs = append(errs, fmt.Errorf("private network key of %d bytes: it must have 32", n))
	}
	for user, password := range o.BasicAuth {
		if user == "" || password == "" {
			errs = append(errs, errors.New("user or password is empty: the server never accepts such credentials"))
		}
	}
	for _, host := range o.Hosts {
		if _, err := netip.ParseAddr(host); err != nil && host != "" {
			errs = append(errs, fmt.Errorf("host of a peer must be an IP address: %w", err))
		}
	}
	if err := validReplication(o.ReplicationFactorMin, o.ReplicationFactorMax); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// at returns list[i], or fallback if it is missing or zero.
func at[T comparable](list []T, i int, fallback T) T {
	var zero T
	if i < len(list) && list[i] != zero {
		return list[i]
	}
	return fallback
}
