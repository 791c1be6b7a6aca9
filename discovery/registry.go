package discovery

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/pyxis"
)

// Registry reports the endpoints that are announced as children of a pyxis
// node, see [Announce]. It watches the node and does not poll. Endpoints are
// sorted by the names of their nodes, which matters to strategies that prefer
// earlier endpoints.
//
// Anyone who may write to the registry decides where calls are sent, together with
// the credentials of the template. Credentials are sent in clear text only to
// loopback addresses and Unix sockets, unless the template sets
// AllowCleartextAuth. For endpoints that use TLS, the template's TLS settings
// decide which servers are accepted.
type Registry struct {
	// Client is a client of the pyxis service. The Registry does not close it.
	Client *pyxis.Client
	// Path is the node whose children are the announcements. It need not exist
	// yet.
	Path string
	// Template holds the settings of the endpoints besides address and weight; nil
	// means the defaults.
	Template *config.Config
	// Logger receives announcements that cannot be used; nil logs nothing.
	Logger *slog.Logger
}

var _ Source = (*Registry)(nil)

// Watch implements [Source]. It keeps watching while the service is
// unreachable, and fails if the client is closed or the path is rejected.
func (r *Registry) Watch(ctx context.Context, update func([]*config.Config)) error {
	if r.Client == nil || r.Path == "" {
		return errors.New("registry: Client and Path are needed")
	}
	announced := NewAnnounced(r.Template, r.Logger, update)
	prefix := strings.TrimSuffix(r.Path, "/") + "/"
	for u, err := range r.Client.WithContext(ctx).Watch(&pyxis.WatchOption{Recursive: true}, r.Path) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		children := make(map[string][]byte)
		for path, n := range u.Nodes {
			if name, below := strings.CutPrefix(path, prefix); below && !strings.Contains(name, "/") {
				children[path] = n.Data
			}
		}
		announced.Publish(children)
	}
	return context.Cause(ctx)
}
