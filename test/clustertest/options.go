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

// Listen is a set of transports that every peer serves its REST API on.
type Listen uint8

// Transports, in the order of [Peer.Addrs].
const (
	HTTP   Listen = 1 << iota // TCP: /ip4/127.0.0.1/tcp/<port>
	HTTPS                     // TLS over TCP: /ip4/127.0.0.1/tcp/<port>/https
	Unix                      // a Unix socket: /unix/<path>
	Libp2p                    // libp2p streams over TCP: /ip4/127.0.0.1/tcp/<port>/p2p/<id>
	Memory                    // pipes inside the process, see Peer.DialContext: /memory/<n>
)

// Consensus is the component that peers agree on the pinset with.
type Consensus string

// Consensus components. They differ in how peers are added and removed, in the
// protocols that GET /health/bandwidth lists, and in that the options of a pin
// stay for all later ones with Raft, as they do in the daemon (Q9).
const (
	CRDT Consensus = "crdt"
	Raft Consensus = "raft"
)

// Legacy is a set of habits of older servers.
type Legacy uint8

// Habits of servers before v1.0.0, except LegacyAccepted, which ended with v0.11.
const (
	LegacyArrays   Legacy = 1 << iota // lists are one array, or null, instead of a stream
	LegacyCids                        // a CID is an object {"/": "<cid>"}
	LegacyTypes                       // the type of a pin is a number
	LegacyAccepted                    // pin and unpin answer 202 without a body

	LegacyV0 = LegacyArrays | LegacyCids | LegacyTypes
)

// maxPeers is the number of bits that say which peers hold a block.
const maxPeers = 64

// Defaults of Options.
const (
	defaultPeers     = 3
	defaultVersion   = "1.1.6+git2182e887ef378f906455784396f1011df968822c"
	defaultHost      = "127.0.0.1"
	defaultMetricTTL = 30 * time.Second
	defaultFreeSpace = 100 << 30
)

// Options configure a cluster. The zero value is three peers that serve plain
// HTTP on free ports of 127.0.0.1, with CRDT consensus, without authentication,
// and pins that are done at once.
type Options struct {
	// Peers is their number, 1 to 64; 0 is 3.
	Peers int
	// Listen is what every peer serves on; 0 is HTTP.
	Listen Listen
	// BasePort, when not 0, fixes the TCP ports: peer i listens on
	// BasePort+100*i for HTTP (for HTTPS if there is no HTTP, else HTTPS has the
	// next port), and on the port two above for libp2p. With 0 ports are free
	// ones; a peer keeps its ports when it is stopped and started.
	BasePort int
	// Hosts are the IP addresses of the peers, for those that are not on
	// 127.0.0.1. All of 127.0.0.0/8 can be used on Linux.
	Hosts []string
	// UnixDir is where the sockets peer<i>.sock go. Empty is a temporary
	// directory, which Close removes. Systems limit the paths of sockets to about
	// 100 bytes.
	UnixDir string
	// TLS replaces the configuration for HTTPS. Nil is that of the real daemon
	// with a self-signed RSA certificate for 127.0.0.1, ::1 and localhost; see
	// Cluster.CAPool.
	TLS *tls.Config
	// PrivateNetworkKey is the 32 byte key of a private libp2p network.
	PrivateNetworkKey []byte

	// Identity makes the peer IDs, which are the same in every run, different
	// from those of clusters with another Identity.
	Identity string
	// Names are the peer names; missing ones are peer0, peer1, …
	Names []string
	// Version is what the peers say they are; empty is v1.1.6.
	Version string
	// Consensus is empty for CRDT.
	Consensus Consensus
	// BasicAuth holds passwords by user. When not empty, all of the API but
	// OPTIONS requests and GET /health asks for basic or bearer authentication.
	BasicAuth map[string]string
	// Header is added to every answer of the API.
	Header http.Header
	// Follower makes the peers refuse to write.
	Follower bool
	// Legacy makes the peers answer like older servers.
	Legacy Legacy

	// ReplicationFactorMin and ReplicationFactorMax apply to pins that leave them
	// at 0. 0 is -1, every peer.
	ReplicationFactorMin, ReplicationFactorMax int
	// FreeSpace is each peer's freespace metric in bytes, which decides about
	// allocations: most space first. Missing ones are about 100 GiB.
	FreeSpace []uint64
	// Tags are metrics tag:<key>; nil is group=default.
	Tags map[string]string
	// MetricTTL is how long a metric outlives its last renewal, and so how long a
	// stopped peer is still a candidate for allocations; renewals are twice as
	// frequent. 0 is 30 s.
	MetricTTL time.Duration

	// QueueDelay and PinDelay are how long a pin is queued and then pinning, at
	// every peer. What was added to the cluster is pinned at once.
	QueueDelay, PinDelay time.Duration
	// UnpinDelay is how long unpinning takes.
	UnpinDelay time.Duration
	// DiscardBlocks forgets blocks as soon as they are counted, so that uploads of
	// any size need constant memory. Paths cannot be resolved then, and garbage
	// collection finds nothing.
	DiscardBlocks bool
	// Now is the cluster's clock; nil is time.Now. Peers call it at the same time.
	// Cluster.Advance adds to it. Only the Date headers of answers stay on the
	// wall clock, because net/http writes them.
	Now func() time.Time
	// Logger gets what the HTTP servers complain about; nil is silence.
	Logger *slog.Logger
}

// withDefaults fills in what is unset.
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

// validate reports all problems at once.
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

// at returns list[i], or fallback where that is missing or zero.
func at[T comparable](list []T, i int, fallback T) T {
	var zero T
	if i < len(list) && list[i] != zero {
		return list[i]
	}
	return fallback
}
