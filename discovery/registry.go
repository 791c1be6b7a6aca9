package discovery

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/pyxis"
)

// Registry is the source of the endpoints that are announced in pyxis: the
// children of a node, see [Announce]. It is told of changes and does not poll.
// The endpoints are ordered by the names of their nodes, which is the order of
// preference for strategies that have one.
//
// Whoever may write to the registry decides where calls go, and with them the
// credentials of the template. Those are not sent in clear text to anything but
// loopback unless the template says so (AllowCleartextAuth), and a server that
// proves its name by TLS is what the template's TLS settings ask for.
type Registry struct {
	// Client is a client of the service; it is not closed.
	Client *pyxis.Client
	// Path is the node whose children are the announcements. It need not exist
	// yet.
	Path string
	// Template holds the settings of the endpoints besides address and weight;
	// nil are the defaults.
	Template *config.Config
	// Logger is told of announcements that cannot be used; nil is silent.
	Logger *slog.Logger
}

var _ Source = (*Registry)(nil)

// Watch is that of [Source]. It goes on while the service cannot be reached, and
// fails when the client is closed or the path is refused.
func (r *Registry) Watch(ctx context.Context, update func([]*config.Config)) error {
	if r.Client == nil || r.Path == "" {
		return errors.New("registry: Client and Path are needed")
	}
	log := silent(r.Logger)
	p := publisher{update: update, log: log}
	prefix := strings.TrimSuffix(r.Path, "/") + "/"
	for u, err := range r.Client.WithContext(ctx).Watch(&pyxis.WatchOption{Recursive: true}, r.Path) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		var cfgs []*config.Config
		for _, path := range slices.Sorted(maps.Keys(u.Nodes)) {
			name, below := strings.CutPrefix(path, prefix)
			if !below || strings.Contains(name, "/") {
				continue
			}
			e, err := parseEndpoint(u.Nodes[path].Data)
			if err != nil {
				log.Warn("announcement left out", "path", path, "error", err)
				continue
			}
			cfgs = append(cfgs, e.config(r.Template))
		}
		p.publish(cfgs)
	}
	return context.Cause(ctx)
}
