package pyxistest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Network is the network on which the nodes listen.
type Network uint8

// Networks.
const (
	TCP    Network = iota // ports of 127.0.0.1
	Memory                // in-process buffers, see Cluster.DialContext
)

// Limits of Options.
const (
	maxNodes = 64
	// ticksPerTimeout is the minimum number of ticks in a session's timeout, so that
	// a tick can answer a held ping before the session ends.
	ticksPerTimeout = 3
)

// Defaults of Options. The times are the defaults of the real server's flags.
const (
	defaultNodes      = 1
	defaultMinTimeout = 5 * time.Second
	defaultMaxTimeout = 120 * time.Second
	defaultTick       = time.Second
	defaultFailover   = 2 * time.Second
	host              = "127.0.0.1"
)

// Options configures a cluster. The zero value means one node on a free port of
// 127.0.0.1. It has the real server's timeouts, but applies writes at once.
type Options struct {
	// Nodes is the number of nodes, 1 to 64. 0 means 1. Node 0 is the first leader.
	Nodes int
	// Network is TCP or Memory.
	Network Network
	// BasePort fixes the TCP ports: node i listens on BasePort+i. 0 means free
	// ports. In both cases a node keeps its port when it is stopped and started.
	BasePort int
	// Advertise holds the addresses of the nodes in redirects and below
	// /pyxis/cluster. A missing or empty one means the node's address.
	Advertise []string

	// MinTimeout and MaxTimeout bound the timeouts of sessions, which are whole
	// milliseconds. For MinTimeout, 0 means 5 s. For MaxTimeout, 0 means 120 s, or
	// MinTimeout if that is longer. MinTimeout must be at least 3 ticks.
	MinTimeout, MaxTimeout time.Duration
	// Tick is the interval between checks for expired sessions. 0 means 1 s.
	Tick time.Duration
	// CommitDelay is the time from the arrival of a write, register or unregister
	// to its effect. Reads, watches and pings are not delayed and thus overtake it.
	// With 0, writes take effect at once and are not overtaken. Three real nodes
	// need 50 ms.
	CommitDelay time.Duration
	// Failover is the duration of an election after the leader has crashed or has
	// been isolated. 0 means 2 s. During the first half, the other nodes still name
	// the lost leader. After that, they know no leader.
	Failover time.Duration
	// StaleRedirects is the time after MoveLeader or NoLeader during which all nodes
	// except the new leader still name the old leader. The old leader names itself
	// during this time.
	StaleRedirects time.Duration
	// Nagle makes the nodes hold back a small answer while the client has not
	// acknowledged an earlier one, as the real server does, which does not set
	// TCP_NODELAY. Most systems delay acknowledgements by up to 40 ms. On the TCP
	// network, Nagle turns on the system's own algorithm. On the Memory network, an
	// answer of less than 1,448 bytes waits until the client sends something, but at
	// most 40 ms from the first unacknowledged byte.
	Nagle bool

	// FirstSid is the sid (session ID) of the first session. Each further session has
	// the next higher one. 0 means the first sid of a real server: the time in ms
	// modulo 2^40, times 65536.
	FirstSid uint64
	// Logger receives events of nodes, sessions and connections at debug level. Nil
	// logs nothing.
	Logger *slog.Logger
}

// withDefaults returns o with defaults for unset options.
func (o Options) withDefaults() Options {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	if o.Nodes == 0 {
		o.Nodes = defaultNodes
	}
	orDefault(&o.MinTimeout, defaultMinTimeout)
	orDefault(&o.MaxTimeout, max(defaultMaxTimeout, o.MinTimeout))
	orDefault(&o.Tick, defaultTick)
	orDefault(&o.Failover, defaultFailover)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// validate reports all invalid options at once.
func (o Options) validate() error {
	var errs []error
	if o.Nodes < 1 || o.Nodes > maxNodes {
		errs = append(errs, fmt.Errorf("number of nodes %d: use 1 to %d", o.Nodes, maxNodes))
	}
	if o.Network > Memory {
		errs = append(errs, fmt.Errorf("unknown network %d: use TCP or Memory", o.Network))
	}
	if o.BasePort < 0 || o.BasePort+o.Nodes-1 > 65535 {
		errs = append(errs, fmt.Errorf("base port %d: the ports of %d nodes must be between 1 and 65535", o.BasePort, o.Nodes))
	}
	if o.BasePort != 0 && o.Network != TCP {
		errs = append(errs, errors.New("a base port is for the TCP network: leave one of them out"))
	}
	for _, addr := range o.Advertise {
		if _, _, err := net.SplitHostPort(addr); err != nil && addr != "" {
			errs = append(errs, fmt.Errorf("advertised address must be host:port: %w", err))
		}
	}
	for name, d := range map[string]time.Duration{
		"tick": o.Tick, "commit delay": o.CommitDelay, "failover": o.Failover, "stale redirects": o.StaleRedirects,
	} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("%s of %v: it must not be negative", name, d))
		}
	}
	if o.MinTimeout < ticksPerTimeout*o.Tick || o.MinTimeout < time.Millisecond {
		errs = append(errs, fmt.Errorf("shortest timeout %v: it must be %d ticks (of %v) and 1ms at least",
			o.MinTimeout, ticksPerTimeout, o.Tick))
	}
	if o.MaxTimeout < o.MinTimeout {
		errs = append(errs, fmt.Errorf("longest timeout %v: it must not be below the shortest, %v", o.MaxTimeout, o.MinTimeout))
	}
	return errors.Join(errs...)
}
