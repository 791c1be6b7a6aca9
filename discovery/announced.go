package discovery

import (
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
// that cannot be used is logged and left out.
func (a *Announced) Publish(announcements map[string][]byte) {
	var cfgs []*config.Config
	for _, name := range slices.Sorted(maps.Keys(announcements)) {
		e, err := parseEndpoint(announcements[name])
		if err != nil {
			a.log.Warn("announcement left out", "path", oneline.Text(name, maxReason), "error", oneline.Text(err.Error(), maxReason))
			continue
		}
		cfgs = append(cfgs, e.config(a.template))
	}
	a.p.publish(cfgs)
}
