package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// figure matches a measured quantity in the text of a page.
	figure = regexp.MustCompile(`\d[\d.,]* (?:µs|ms|kB|MB|modules|allocations)`)
	// figureRow matches a row of the table of figures in docs/benchmarks.md.
	figureRow = regexp.MustCompile("(?m)^\\| `([a-z_0-9.]+)` \\| \\**([\\d.]+)\\** \\|")
	// weightOurs matches README's size of a program that only speaks HTTP.
	weightOurs = regexp.MustCompile(`\| (\d+) modules, ([\d.]+) MB \|$`)
)

// TestReadmeFiguresAreMeasured checks that each line of README with a figure is
// also in docs/benchmarks.md. The size of a program in README must be the size
// in the table of figures in docs/benchmarks.md.
func TestReadmeFiguresAreMeasured(t *testing.T) {
	readme := readPage(t, "README.md")
	benchmarks := readPage(t, "docs/benchmarks.md")
	measured := map[string]string{}
	for _, m := range figureRow.FindAllStringSubmatch(benchmarks, -1) {
		measured[m[1]] = m[2]
	}
	rows, weighed := 0, false
	for line := range strings.Lines(readme) {
		line = strings.TrimSpace(line)
		if !figure.MatchString(line) {
			continue
		}
		rows++
		if !strings.Contains(benchmarks, "\n"+line+"\n") {
			t.Errorf("docs/benchmarks.md has no such line:\n%s", line)
		}
		if m := weightOurs.FindStringSubmatch(line); m != nil {
			weighed = true
			if m[1] != measured["weight.modules"] || m[2] != measured["weight.mb"] {
				t.Errorf("README says %s modules and %s MB, the figures of docs/benchmarks.md are %s and %s",
					m[1], m[2], measured["weight.modules"], measured["weight.mb"])
			}
		}
	}
	if rows < 2 || !weighed {
		t.Errorf("README has %d lines with figures; the weight is among them: %t", rows, weighed)
	}
}

// readPage returns the text of a file. name is relative to the root of the module.
func readPage(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
