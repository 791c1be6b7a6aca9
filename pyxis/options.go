package pyxis

import (
	"context"
	"log/slog"
	"math"
	"net"
	"slices"
	"time"
)

// Options are the settings of a client. NewClient reads them once; nil, and
// the zero value of every field, mean the defaults.
type Options struct {
	// DefaultWatcher receives the events of the state (Connected,
	// Disconnected, Suspended, SessionExpired), whatever its Filter, and the
	// events of nodes that have no watcher of their own. Events of the state
	// wait until they are taken and are never dropped before Close; see Watcher.
	DefaultWatcher *Watcher

	// SessionTimeout is how long the server keeps the session without a sign
	// of life. Default 5 s. The server clamps it to its own limits (5 s to
	// 120 s unless told otherwise) and the client learns the result.
	SessionTimeout time.Duration

	// Sid is a session to go on with, of an earlier client that is gone. When
	// it has expired, a new one is made and SessionExpired is delivered. No
	// two clients may use one session at a time.
	Sid uint64

	// Logger receives what the client does on its own: states at Info, dropped
	// events and other trouble at Warn, connections at Debug. Its handler must
	// not call the client. Default: nothing.
	Logger *slog.Logger

	// Dial makes connections; it must obey its context. Default: net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// ConnectTimeout bounds each dial and, anew, each registration. Default: a
	// quarter of SessionTimeout, but 500 ms at least and 5 s at most.
	ConnectTimeout time.Duration

	// CallTimeout bounds each call whose context has no deadline, the time it
	// waits for a connection included. Default 10 s; negative: no bound.
	CallTimeout time.Duration

	// CloseTimeout bounds Close. Default 2 s.
	CloseTimeout time.Duration

	// ServerTick is the server's clock tick, to half of which the end of a
	// session is rounded. Default 1 s, as the server's.
	ServerTick time.Duration
}

// settings are Options with their defaults applied.
type settings struct {
	addrs          []string
	timeout        time.Duration // of the session, as asked for
	sid            uint64
	log            *slog.Logger
	dial           func(ctx context.Context, network, addr string) (net.Conn, error)
	connectTimeout time.Duration
	callTimeout    time.Duration // 0: no bound
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
	s.timeout = max(s.timeout, time.Millisecond) // the wire's unit
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

// positive returns d, or the default when d is not positive.
func positive(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}
