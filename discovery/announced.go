package discovery

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// maxReason limits the text that an announcement gets into a log, in bytes.
const maxReason = 500

// Announced turns the announcements that a registry holds into the updates of a
// [Source]. It is for sources over registries that this package does not know;
// [Registry] uses it as well. It may be used by one goroutine at a time.
//
// Announced reports each address once, reports no empty list and not the same
// list twice in a row, and reuses the pointers of endpoints that stay the same,
// as [Source] requires.
type Announced struct {
	template *config.Config
	log      *slog.Logger
	p        publisher
	parsed   map[string]parsed // the announcements of the last Publish, by name
}

// parsed is an announcement and what it contains.
type parsed struct {
	value []byte
	cfg   *config.Config // nil if the value cannot be used
}

// NewAnnounced returns an Announced that calls update. The template holds the
// settings of the endpoints besides address and weight; nil means the defaults.
// The logger receives announcements that cannot be used; nil logs nothing.
func NewAnnounced(template *config.Config, logger *slog.Logger, update func([]*config.Config)) *Announced {
	log := silent(logger)
	return &Announced{template: template, log: log, p: publisher{update: update, log: log}}
}

// Publish reports the endpoints that the announcements contain, in the order of
// their names. The values of announcements are the JSON of an [Endpoint]. One
// that cannot be used is left out, and logged when it appears or changes. Publish
// keeps the values, which must not be modified later, but not the map. A value that
// stays the same is not parsed again.
func (a *Announced) Publish(announcements map[string][]byte) {
	var cfgs []*config.Config
	next := make(map[string]parsed, len(announcements))
	for _, name := range slices.Sorted(maps.Keys(announcements)) {
		value := announcements[name]
		p, known := a.parsed[name]
		if !known || !bytes.Equal(p.value, value) {
			p = a.parse(name, value)
		}
		next[name] = p
		if p.cfg != nil {
			cfgs = append(cfgs, p.cfg)
		}
	}
	a.parsed = next
	a.p.publish(cfgs)
}

func (a *Announced) parse(name string, value []byte) parsed {
	e, err := parseEndpoint(value)
	if err != nil {
		a.log.Warn("announcement left out", "path", oneline.Text(name, maxReason), "error", oneline.Text(err.Error(), maxReason))
		return parsed{value: value}
	}
	return parsed{value, e.config(a.template)}
}
