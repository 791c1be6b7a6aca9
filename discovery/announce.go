package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
)

const (
	// maxAnnouncement bounds what is read of an announcement, in bytes.
	maxAnnouncement = 4 << 10
	// maxWeight bounds an announced weight, so that no sum of them overflows.
	maxWeight = 1 << 20
)

// Endpoint is what a process announces in a registry. In the node it is JSON:
//
//	{"addr":"/ip4/10.0.0.1/tcp/9094","weight":2}
//
// Further keys are ignored.
type Endpoint struct {
	// Addr is the address of the API, in a form that config.Config.APIAddr
	// accepts, and as others reach it.
	Addr multiaddr.Multiaddr
	// Weight is its share among others in weighted strategies: 0 (which is 1)
	// to 1,048,576.
	Weight int
}

// announcement is an Endpoint in JSON.
type announcement struct {
	Addr   string `json:"addr"`
	Weight int    `json:"weight,omitempty"`
}

// Announce announces an endpoint as the ephemeral node with the given name below
// path, and keeps it announced until the announcement is closed; see
// [recipe.Announce]. What is missing of path is created. The name is one that no
// other process has (a peer's name or ID): letters, digits, '_', '.' and '-',
// and not '_' at its beginning. A nil logger is silent.
func Announce(ctx context.Context, c *pyxis.Client, path, name string, e Endpoint, logger *slog.Logger) (*recipe.Announcement, error) {
	if name == "" || strings.HasPrefix(name, "_") || strings.Contains(name, "/") {
		return nil, fmt.Errorf("announcing %q: use a name of letters, digits, '_', '.' and '-' that does not begin with '_'", name)
	}
	data, err := e.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("announcing %s: %w", name, err)
	}
	return recipe.Announce(ctx, c, strings.TrimSuffix(path, "/")+"/"+name, data, logger)
}

// MarshalJSON returns what goes into the node: for an announcement's Set, when
// the address or the weight changes. It fails when no client could use it.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	return json.Marshal(announcement{Addr: e.Addr.String(), Weight: e.Weight})
}

// parseEndpoint is the reverse of MarshalJSON.
func parseEndpoint(data []byte) (Endpoint, error) {
	if len(data) > maxAnnouncement {
		return Endpoint{}, fmt.Errorf("%d bytes are too many for an announcement", len(data))
	}
	var a announcement
	if err := json.Unmarshal(data, &a); err != nil {
		return Endpoint{}, err
	}
	addr, err := multiaddr.NewMultiaddr(a.Addr)
	if err != nil {
		return Endpoint{}, err
	}
	e := Endpoint{Addr: addr, Weight: a.Weight}
	return e, e.check()
}

func (e Endpoint) check() error {
	if e.Weight < 0 || e.Weight > maxWeight {
		return fmt.Errorf("weight %d: use 0 to %d", e.Weight, maxWeight)
	}
	if len(e.Addr) == 0 {
		return errors.New("no address: give the multiaddress of the API")
	}
	_, err := e.config(nil).Address()
	return err
}

// config returns the configuration of the endpoint after a template.
func (e Endpoint) config(template *config.Config) *config.Config {
	cfg := templateOr(template).AsTemplateFor([]multiaddr.Multiaddr{e.Addr})[0]
	cfg.Weight = e.Weight
	return cfg
}
