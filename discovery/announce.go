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
	// maxAnnouncement limits the size of an announcement, in bytes.
	maxAnnouncement = 4 << 10
	// maxWeight limits an announced weight so that sums of weights cannot
	// overflow.
	maxWeight = 1 << 20
)

// Endpoint is an announcement in the registry. The data of the node is JSON:
//
//	{"addr":"/ip4/10.0.0.1/tcp/9094","weight":2}
//
// Unknown keys are ignored.
type Endpoint struct {
	// Addr is the address of the API as other hosts reach it, in a form that
	// config.Config.APIAddr accepts.
	Addr multiaddr.Multiaddr
	// Weight is the endpoint's share in weighted strategies, from 0 (the same as
	// 1) to 1,048,576.
	Weight int
}

// announcement is the JSON form of an Endpoint.
type announcement struct {
	Addr   string `json:"addr"`
	Weight int    `json:"weight,omitempty"`
}

// Announce creates an ephemeral node with the given name below path that
// announces e, and keeps it until the announcement is closed; see
// [recipe.Announce]. Missing nodes of path are created. The name consists of
// letters, digits, '_', '.' and '-', does not begin with '_', and must be
// unique among the announcing processes: use a peer's name or ID. A nil logger
// logs nothing.
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

// MarshalJSON returns the data of the node. Pass it to the announcement's Set
// when the address or the weight changes. It fails if the endpoint is not
// usable.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(announcement{Addr: e.Addr.String(), Weight: e.Weight})
	if err == nil && len(data) > maxAnnouncement {
		return nil, fmt.Errorf("an announcement of %d bytes: use an address for which %d suffice", len(data), maxAnnouncement)
	}
	return data, err
}

// parseEndpoint parses the output of MarshalJSON.
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

// config returns a copy of template with the endpoint's address and weight.
func (e Endpoint) config(template *config.Config) *config.Config {
	cfg := templateOr(template).AsTemplateFor([]multiaddr.Multiaddr{e.Addr})[0]
	cfg.Weight = e.Weight
	return cfg
}
