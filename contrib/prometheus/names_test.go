package prometheus

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	prom "github.com/prometheus/client_golang/prometheus"
)

// documented returns the rows of the table of metrics in a package's documentation,
// each split at two or more spaces, by name.
func documented(t *testing.T, file string) map[string][]string {
	t.Helper()
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	rows := make(map[string][]string)
	inTable := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		row, isRow := strings.CutPrefix(lines.Text(), "//\t")
		var cells []string
		for _, cell := range strings.Split(row, "  ") {
			if cell = strings.TrimSpace(cell); cell != "" {
				cells = append(cells, cell)
			}
		}
		switch {
		case isRow && strings.HasPrefix(row, "metric "):
			inTable = true
		case isRow && inTable:
			rows[cells[0]] = cells[1:]
		case inTable:
			return rows
		}
	}
	t.Fatalf("%s has no table of metrics", file)
	return nil
}

// described returns the names of the metrics that the Collector describes.
func described(t *testing.T) []string {
	t.Helper()
	c, err := New()
	must(t, err)
	descs := make(chan *prom.Desc, 100)
	c.Describe(descs)
	close(descs)
	var names []string
	for d := range descs {
		_, name, _ := strings.Cut(d.String(), `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The documentation names all metrics and no other.
func TestDocumentedMetrics(t *testing.T) {
	if want, got := described(t), slices.Sorted(maps.Keys(documented(t, "prometheus.go"))); !slices.Equal(got, want) {
		t.Errorf("documented: %q, want %q", got, want)
	}
}

// The metrics of contrib/otel have the names here that an OpenTelemetry exporter for
// Prometheus gives them.
func TestNamesAgreeWithOtel(t *testing.T) {
	if _, err := os.Stat("../../go.work"); err != nil {
		t.Skip("this is not the tree of the module, so contrib/otel is not beside this package")
	}
	elsewhere := map[string]string{
		"pinfleet.client.attempt.active": "its load balancer need not be observed; pinfleet_client_endpoint_in_flight is the same figure",
	}
	own := documented(t, "prometheus.go")
	types := map[bool]string{true: "counter", false: "gauge"}
	for name, cells := range documented(t, "../otel/otel.go") {
		if elsewhere[name] != "" {
			continue
		}
		unit := cells[0]
		base := strings.ReplaceAll(name, ".", "_")
		switch {
		case unit == "s": // only histograms have a unit that is not in braces
			if row := own[base+"_seconds"]; row == nil || row[0] != "histogram" {
				t.Errorf("%s has no histogram %s_seconds: %q", name, base, row)
			}
		case !strings.HasPrefix(unit, "{"):
			t.Errorf("%s has the unit %q, which this test does not know", name, unit)
		default:
			counter, gauge := own[base+"_total"], own[base]
			if (counter == nil) == (gauge == nil) {
				t.Errorf("%s has neither %s_total nor %s, or both", name, base, base)
			} else if row := append(counter, gauge...); row[0] != types[counter != nil] {
				t.Errorf("%s has a %s", name, row[0])
			}
		}
	}
}
