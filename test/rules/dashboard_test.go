package rules

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/pinfleet/pinfleet/client"
)

// dashboard is what is read of dashboard.json.
type dashboard struct {
	Panels []struct {
		Title       string
		Description string
		Type        string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct{ Expr string }
	}
}

// Each query of each panel has data in an outage of a peer that also damages
// uploads: none asks for a metric or a label that does not exist.
func TestDashboard(t *testing.T) {
	t.Parallel()
	scrapes := simulate(t, func(after time.Duration, p []*peer) {
		p[0].fault.Store(&fault{slow: 2 * time.Second, add: &client.Error{Status: 200, Err: &client.MismatchError{Name: "f"}}})
		if after%(4*time.Minute) < time.Minute {
			for _, p := range p {
				p.fault.Store(&fault{err: errUnsent})
			}
			return
		}
		p[1].fault.Store(nil)
		p[2].fault.Store(nil)
	})
	s, engine := store(t, scrapes), newEngine(t)
	content, err := os.ReadFile(folder + "dashboard.json")
	must(t, err)
	var d dashboard
	must(t, json.Unmarshal(content, &d))
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*")
	queries := 0
	for _, p := range d.Panels {
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks a title, a description or a query", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			q, err := engine.NewRangeQuery(t.Context(), s, nil, variables.Replace(target.Expr), scrapes[0].at, scrapes[len(scrapes)-1].at, time.Minute)
			must(t, err)
			r := q.Exec(t.Context())
			must(t, r.Err)
			if m, ok := r.Value.(promql.Matrix); !ok || !hasValue(m) {
				t.Errorf("panel %q: no data but 0 for %s", p.Title, target.Expr)
			}
			q.Close()
		}
	}
	if queries < 10 {
		t.Errorf("only %d queries found", queries)
	}
}

// hasValue reports whether a series has a point that is a positive number.
func hasValue(m promql.Matrix) bool {
	for _, s := range m {
		for _, p := range s.Floats {
			if p.F > 0 {
				return true
			}
		}
	}
	return false
}

// Panels do not overlap, and fill rows of 24 columns.
func TestDashboardLayout(t *testing.T) {
	content, err := os.ReadFile(folder + "dashboard.json")
	must(t, err)
	var d dashboard
	must(t, json.Unmarshal(content, &d))
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("panel %q overlaps %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
