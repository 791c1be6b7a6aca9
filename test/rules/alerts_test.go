package rules

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/util/teststorage"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

const folder = "../../contrib/prometheus/"

// scenarios are the faults, and the alerts that each of them must raise; all others
// must stay silent.
var scenarios = []struct {
	name   string
	damage func(after time.Duration, p []*peer)
	alerts []string
}{
	{"healthy", func(time.Duration, []*peer) {}, nil},
	{"one peer is down", func(_ time.Duration, p []*peer) {
		p[0].fault.Store(&fault{err: errUnsent})
	}, []string{"PinfleetEndpointEjected"}},
	{"a peer answers 500, but its /health is well", func(_ time.Duration, p []*peer) {
		p[0].fault.Store(&fault{err: &client.Error{Op: client.OpVersion, Status: 500, Err: api.Error{Code: 500, Message: "no consensus"}}, well: true})
	}, []string{"PinfleetEndpointEjected"}},
	{"all peers refuse for their load", func(_ time.Duration, p []*peer) {
		for _, p := range p {
			p.fault.Store(&fault{err: &client.Error{Op: client.OpVersion, Status: 429, Err: errors.New("too many requests")}, well: true})
		}
	}, []string{"PinfleetCallsFail", "PinfleetEndpointEjected", "PinfleetFewEndpoints", "PinfleetRetryBudgetExhausted"}},
	{"two of three are down", func(_ time.Duration, p []*peer) {
		p[0].fault.Store(&fault{err: errUnsent})
		p[1].fault.Store(&fault{err: errUnsent})
	}, []string{"PinfleetEndpointEjected", "PinfleetFewEndpoints"}},
	{"all are down", func(_ time.Duration, p []*peer) {
		for _, p := range p {
			p.fault.Store(&fault{err: errUnsent})
		}
	}, []string{"PinfleetCallsFail", "PinfleetEndpointEjected", "PinfleetFewEndpoints", "PinfleetRetryBudgetExhausted"}},
	{"a peer comes and goes", func(after time.Duration, p []*peer) {
		p[0].fault.Store(&fault{})
		if after%(2*time.Minute) < 20*time.Second {
			p[0].fault.Store(&fault{err: errUnsent})
		}
	}, []string{"PinfleetEndpointFlaps"}},
	{"a proxy damages uploads", func(_ time.Duration, p []*peer) {
		p[0].fault.Store(&fault{add: &client.Error{Op: client.OpAddMultiFile, Status: 200, Err: &client.MismatchError{Name: "f"}}})
	}, []string{"PinfleetVerificationFailures"}},
	{"a single upload is damaged", func(after time.Duration, p []*peer) {
		for _, p := range p {
			p.fault.Store(nil)
		}
		if after < 5*time.Second { // in which there is one
			p[0].fault.Store(&fault{add: &client.Error{Op: client.OpAddMultiFile, Status: 200, Err: &client.MismatchError{Name: "f"}}})
			p[1].fault.Store(p[0].fault.Load())
			p[2].fault.Store(p[0].fault.Load())
		}
	}, []string{"PinfleetVerificationFailures"}},
	{"all peers are slow", func(_ time.Duration, p []*peer) { // callers do not notice a single one, because reads are hedged
		for _, p := range p {
			p.fault.Store(&fault{slow: 8 * time.Second})
		}
	}, []string{"PinfleetReadsSlow"}},
	{"the password is wrong", func(_ time.Duration, p []*peer) {
		for _, p := range p {
			p.fault.Store(&fault{err: &client.Error{Op: client.OpVersion, Status: 401, Err: client.ErrUnauthorized}})
		}
	}, []string{"PinfleetCredentialsRefused"}},
}

// Each alert fires in the fault that it is for, and not without; none is without a
// scenario.
func TestAlerts(t *testing.T) {
	known := alertingRules(t)
	for _, s := range scenarios {
		for _, name := range s.alerts {
			delete(known, name)
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			scrapes := simulate(t, s.damage)
			got := fired(t, scrapes, store(t, scrapes))
			if !slices.Equal(got, s.alerts) {
				t.Errorf("fired: %q, want %q", got, s.alerts)
			}
		})
	}
	if len(known) > 0 {
		t.Errorf("no scenario raises %q", slices.Sorted(maps.Keys(known)))
	}
}

var promqlParser = parser.NewParser(parser.Options{})

// alertingRules returns the rules of alerts.yaml by name, as Prometheus reads them.
func alertingRules(t *testing.T) map[string]*rules.AlertingRule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(folder+"alerts.yaml", false, model.UTF8Validation, promqlParser, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	all := make(map[string]*rules.AlertingRule)
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			expr, err := promqlParser.ParseExpr(r.Expr)
			must(t, err)
			all[r.Alert] = rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor),
				labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
		}
	}
	return all
}

func newEngine(t *testing.T) *promql.Engine {
	e := promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000_000, Timeout: time.Minute, Parser: promqlParser})
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// fired evaluates the rules at each scrape and returns the names of those that fired,
// sorted. The texts of what fires must be complete.
func fired(t *testing.T, scrapes []scrape, s *teststorage.TestStorage) []string {
	t.Helper()
	query := rules.EngineQueryFunc(newEngine(t), s)
	names := make(map[string]bool)
	all := alertingRules(t)
	for _, scraped := range scrapes {
		for name, r := range all {
			_, err := r.Eval(t.Context(), 0, scraped.at, query, nil, 0)
			must(t, err)
			for _, a := range r.ActiveAlerts() {
				if a.State != rules.StateFiring {
					continue
				}
				if !names[name] {
					t.Logf("%s: %s", name, a.Annotations.Get("summary"))
				}
				names[name] = true
				a.Annotations.Range(func(l labels.Label) {
					if strings.Contains(l.Value, "{{") || strings.Contains(l.Value, "<") {
						t.Errorf("%s: %s", name, l.Value)
					}
				})
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
