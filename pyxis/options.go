package pyxis

import (
	"context"
	"log/slog"
	"math"
	"net"
	"slices"
	"time"
)

// Options are the settings of a client. NewClient reads them once. A nil
// *Options and zero fields mean the defaults.
type Options struct {
	// DefaultWatcher receives all state events (Connected, Disconnected,
	// Suspended, SessionExpired), regardless of its Filter, and the events of
	// nodes that have no watcher. State events are queued until they are received
	// and are never dropped before Close; see Watcher.
	DefaultWatcher *Watcher

	// SessionTimeout is how long the server keeps the session without hearing from
	// the client. Default 5 s. The server clamps it to its own limits, which are
	// 5 s to 120 s by default. The client asks the server for the resulting
	// timeout and uses that.
	SessionTimeout time.Duration

	// Sid is the session of an earlier client to resume. If it has expired, the
	// client delivers SessionExpired and registers a new one. Two clients must not
	// use one session at the same time.
	Sid uint64

	// Logger receives state changes at Info, dropped events and other problems at
	// Warn, connections at Debug. Its handler must not call the client. Default:
	// nothing is logged.
	Logger *slog.Logger

	// Dial makes connections. It must return when its context ends. Default:
	// net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// ConnectTimeout limits each dial and, separately, each registration. Default:
	// a quarter of SessionTimeout, but at least 500 ms and at most 5 s.
	ConnectTimeout time.Duration

	// CallTimeout limits each call whose context has no deadline, including the
	// wait for a connection. Default 10 s. A negative value means no limit.
	CallTimeout time.Duration

	// CloseTimeout limits Close. Default 2 s.
	CloseTimeout time.Duration

	// ServerTick is the clock tick of the server. The server rounds the end of a
	// session to the nearest tick, which can be half a tick early. Default 1 s,
	// which is the server's default.
	ServerTick time.Duration
}

// settings are Options with the defaults applied.
type settings struct {
	addrs          []string
	timeout        time.Duration // of the session, as requested
	sid            uint64
	log            *slog.Logger
	dial           func(ctx context.Context, network, addr string) (net.Conn, error)
	connectTimeout time.Duration
	callTimeout    time.Duration // 0: no limit
	closeTimeout   time.Duration
	tick           time.Duration
}

func newSettings(addrs []string, opt *Options) settings {
	if opt == nil {
		opt = &Options{}
	}
	s := settings{
		addrs:        slices.Clone(addrs),
		timeout:      min(positive(opt.SessionTimeout, 5*time.Second), math.MaxInt32*time.Millisecond),
		sid:          opt.Sid,
		log:          opt.Logger,
		dial:         opt.Dial,
		callTimeout:  opt.CallTimeout,
		closeTimeout: positive(opt.CloseTimeout, 2*time.Second),
		tick:         positive(opt.ServerTick, time.Second),
	}
	s.timeout = max(s.timeout, time.Millisecond) // the unit of the protocol
	s.connectTimeout = positive(opt.ConnectTimeout, min(max(s.timeout/4, 500*time.Millisecond), 5*time.Second))
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.dial == nil {
		s.dial = new(net.Dialer).DialContext
	}
	if s.callTimeout == 0 {
		s.callTimeout = 10 * time.Second
	}
	s.callTimeout = max(s.callTimeout, 0)
	return s
}

// positive returns d, or byDefault if d is not positive.
func positive(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}
