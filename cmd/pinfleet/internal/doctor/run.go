package doctor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// The defaults of Options.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultMaxSkew     = 10 * time.Second
	DefaultMinFree     = 1 << 30
	DefaultMinValidity = 14 * 24 * time.Hour
)

// everyoneTimeout is the least time for a check for which the asked peer asks all
// others. While one of them hangs, ipfs-cluster v1.1.6 answers after 15 s.
const everyoneTimeout = 20 * time.Second

// maxText is the maximum size of a text in a finding, in bytes.
const maxText = 2 << 10

// maxAtOnce is the number of endpoints that are examined at the same time.
const maxAtOnce = 16

// Options are the limits of the checks. The zero value has the defaults.
type Options struct {
	// Timeout limits each check. 0 means 10 s. Checks for which a peer asks all others
	// have at least 20 s.
	Timeout time.Duration
	// MaxSkew is the difference of two clocks that is not reported. 0 means 10 s.
	MaxSkew time.Duration
	// MinFree is the free space in bytes below which a disk is reported. 0 means 1 GiB:
	// the repository of an IPFS daemon with default settings is limited to 10 GB.
	MinFree uint64
	// MinValidity is the time before the end of a certificate from which it is
	// reported. 0 means 14 days.
	MinValidity time.Duration
	// ReadOnly leaves out the upload check.
	ReadOnly bool
	// Now is the clock of this machine. Nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxSkew == 0 {
		o.MaxSkew = DefaultMaxSkew
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.MinValidity == 0 {
		o.MinValidity = DefaultMinValidity
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Report is the result of an examination.
type Report struct {
	Endpoints int       // number of endpoints
	Members   int       // number of members of the cluster, as far as any endpoint answers
	Findings  []Finding // errors first, in the order of the endpoints
}

// Run examines the endpoints that cfgs describes. It returns what it has found until
// ctx ends; its error is then that of ctx.
func Run(ctx context.Context, cfgs []*config.Config, opts Options) (*Report, error) {
	opts = opts.withDefaults()
	all := make([]*endpoint, len(cfgs))
	slots := make(chan struct{}, maxAtOnce)
	var examining sync.WaitGroup
	for i, cfg := range cfgs {
		all[i] = newEndpoint(cfg, opts)
		examining.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			all[i].examine(ctx)
		})
	}
	examining.Wait()
	report := &Report{Endpoints: len(all)}
	var names []string
	var closing []error
	for _, e := range all {
		names = append(names, e.name)
		report.Findings = append(report.Findings, e.findings...)
	}
	c := newCluster(all, opts)
	report.Members = len(c.members)
	report.Findings = append(report.Findings, c.compare(ctx)...)
	for _, e := range all {
		closing = append(closing, e.close())
	}
	report.Findings = sorted(report.Findings, names)
	for i := range report.Findings { // the texts may quote peers
		f := &report.Findings[i]
		f.What, f.Do = oneline.Text(f.What, maxText), oneline.Text(f.Do, maxText)
	}
	if ctx.Err() != nil {
		return report, context.Cause(ctx)
	}
	return report, errors.Join(closing...)
}
