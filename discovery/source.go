package discovery

import (
	"context"
	"log/slog"

	"github.com/pinfleet/pinfleet/config"
)

// Source reports endpoints and their changes. lbclient declares the same
// interface, so the sources of either package can be used with the other.
type Source interface {
	// Watch calls update with the configurations of all endpoints, first as soon
	// as they are known and then after each change. It calls update from one
	// goroutine at a time, and not after Watch has returned. Watch blocks until
	// ctx ends and returns its error, or until it cannot go on and returns another
	// error. The sources of this package can then be watched again.
	Watch(ctx context.Context, update func([]*config.Config)) error
}

// Static returns a source that reports cfgs and never changes.
func Static(cfgs ...*config.Config) Source { return static(cfgs) }

type static []*config.Config

func (s static) Watch(ctx context.Context, update func([]*config.Config)) error {
	p := publisher{update: update, log: silent(nil)}
	p.publish(s)
	<-ctx.Done()
	return context.Cause(ctx)
}

// silent returns logger, or a logger that discards everything if logger is nil.
func silent(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

// templateOr returns template, or the zero Config if template is nil.
func templateOr(template *config.Config) *config.Config {
	if template == nil {
		return &config.Config{}
	}
	return template
}
