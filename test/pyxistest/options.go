package pyxistest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// Network is how clients reach the nodes.
type Network uint8

// Networks.
const (
	TCP    Network = iota // ports of 127.0.0.1
	Memory                // buffers inside the process, see Cluster.DialContext
)

// Limits of Options.
const (
	maxNodes = 64
	// ticksPerTimeout is how many ticks the shortest session needs, so that a
	// held ping can be answered before the session ends.
	ticksPerTimeout = 3
)

// Defaults of Options; the times are those of the real server's flags.
const (
	defaultNodes      = 1
	defaultMinTimeout = 5 * time.Second
	defaultMaxTimeout = 120 * time.Second
	defaultTick       = time.Second
	defaultFailover   = 2 * time.Second
	host              = "127.0.0.1"
)

// Options configure a cluster. The zero value is one node on a free port of
// 127.0.0.1 with the real server's times, which applies writes at once.
type Options struct {
	// Nodes is their number, 1 to 64; 0 is 1. Node 0 leads at first.
	Nodes int
	// Network is TCP or Memory.
	Network Network
	// BasePort, when not 0, fixes the TCP ports: node i listens on BasePort+i.
	// With 0 ports are free ones; a node keeps its port when it is stopped and
	// started.
	BasePort int
	// Advertise is what the nodes call themselves in redirects and below
	// /pyxis/cluster; missing ones are their addresses.
	Advertise []string

	// MinTimeout and MaxTimeout bound the timeouts of sessions, which are whole
	// milliseconds. 0 is 5 s and 120 s. MinTimeout must be 3 ticks at least.
	MinTimeout, MaxTimeout time.Duration
	// Tick is how often the leader looks after sessions; 0 is 1 s.
	Tick time.Duration
	// CommitDelay is how long after its arrival a write, register or unregister
	// takes effect. Reads, watches and pings do not wait and so overtake it. With
	// 0 writes take effect at once and nothing is overtaken; 50 ms is what three
	// real nodes need.
	CommitDelay time.Duration
	// Failover is how long it takes the other nodes to elect a leader when theirs
	// crashed or was isolated; 0 is 2 s. In the first half of it they still name
	// the lost leader, then they know none.
	Failover time.Duration
	// StaleRedirects is how long after MoveLeader all nodes but the new leader go
	// on naming the old one, which names itself then.
	StaleRedirects time.Duration

	// FirstSid is the first session's; each session has the one after. 0 is what
	// a real server starts with: the time in ms modulo 2^40, times 65536.
	FirstSid uint64
	// Logger gets what happens to nodes, sessions and connections, at debug level;
	// nil is silence.
	Logger *slog.Logger
}

// withDefaults fills in what is unset.
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

// validate reports all problems at once.
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
