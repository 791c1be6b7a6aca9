package discovery

import (
	"context"
	"log/slog"

	"github.com/pinfleet/pinfleet/config"
)

// Source is where endpoints come from. It is the interface of the same name in
// lbclient, so that each package's sources serve the other's users.
type Source interface {
	// Watch calls update with the configurations of all endpoints that there
	// are, as soon as they are known and then whenever they have changed. It
	// calls update from one goroutine at a time, and not after it has returned.
	// It ends with an error, ctx's when that has ended, or another when it
	// cannot go on; the sources of this package can then be watched again.
	Watch(ctx context.Context, update func([]*config.Config)) error
}

// Static is the source of endpoints that do not change.
func Static(cfgs ...*config.Config) Source { return static(cfgs) }

type static []*config.Config

func (s static) Watch(ctx context.Context, update func([]*config.Config)) error {
	p := publisher{update: update, log: silent(nil)}
	p.publish(s)
	<-ctx.Done()
	return context.Cause(ctx)
}

// silent returns logger, or one that discards when that is nil.
func silent(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

// templateOr returns a template, the zero Config when there is none.
func templateOr(template *config.Config) *config.Config {
	if template == nil {
		return &config.Config{}
	}
	return template
}
