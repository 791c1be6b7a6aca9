package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// endpoint is one endpoint, what it has answered, and what is wrong with it.
type endpoint struct {
	cfg  *config.Config
	opts Options
	name string
	wire *wire         // nil if the settings are not valid
	c    client.Client // nil if the settings are not valid

	// What the endpoint has answered; nil or empty if it has not.
	id      *api.ID
	version string
	peers   []*api.ID
	graph   *api.ConnectGraph
	free    []*api.Metric

	probed   []cid.Cid // what the upload check has pinned for a moment
	silent   bool      // a check got no answer in time
	findings []Finding
}

func newEndpoint(cfg *config.Config, opts Options) *endpoint {
	e := &endpoint{cfg: cfg, opts: opts}
	if addr, err := cfg.Address(); err == nil {
		e.name = addr.String()
	}
	var err error
	if e.wire, err = openWire(cfg, opts.Now); err == nil {
		e.c, err = client.NewDefaultClient(e.wire.config(cfg))
	}
	if err != nil {
		e.report(Finding{ID: Settings, Severity: Error, What: "the settings are not valid: " + err.Error(),
			Why: "No request can be sent.", Do: "Correct the settings."})
	}
	return e
}

// report adds a finding about the endpoint.
func (e *endpoint) report(f Finding) {
	f.Endpoint = e.name
	e.findings = append(e.findings, f)
}

func (e *endpoint) close() error {
	var errs []error
	if e.c != nil {
		errs = append(errs, e.c.Close())
	}
	if e.wire != nil {
		errs = append(errs, e.wire.close())
	}
	return errors.Join(errs...)
}

// answers reports whether the endpoint has answered as a peer of a cluster.
func (e *endpoint) answers() bool { return e.id != nil && !e.silent }

// examine makes the checks of a single endpoint.
func (e *endpoint) examine(ctx context.Context) {
	if e.c == nil || !e.reach(ctx) {
		return
	}
	e.checkCertificate()
	_ = e.ask(ctx, e.opts.Timeout, "its own description", func(ctx context.Context) (err error) {
		e.id, err = e.c.ID(ctx)
		return err
	})
	everyone := max(e.opts.Timeout, everyoneTimeout)
	_ = e.ask(ctx, everyone, "the list of members", func(ctx context.Context) (err error) {
		e.peers, err = e.c.Peers(ctx)
		return err
	})
	_ = e.ask(ctx, everyone, "the connections between the members", func(ctx context.Context) (err error) {
		e.graph, err = e.c.ConnectGraph(ctx)
		return err
	})
	_ = e.ask(ctx, e.opts.Timeout, "the free space of the members", func(ctx context.Context) (err error) {
		e.free, err = e.c.Metrics(ctx, freeSpace)
		return err
	})
	e.checkTrailers()
	if !e.opts.ReadOnly && e.answers() {
		e.checkUploads(ctx)
	}
}

// ask makes a call with a time limit, and reports its error. It does nothing if an
// earlier call got no answer. It reports whether the call has succeeded.
func (e *endpoint) ask(ctx context.Context, limit time.Duration, what string, call func(context.Context) error) bool {
	if e.silent || ctx.Err() != nil {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := call(limited)
	if err == nil || ctx.Err() != nil {
		return err == nil
	}
	f := e.diagnose(err, what, limit)
	e.silent = f.ID == NoAnswer
	e.report(f)
	return false
}
