package readme

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// counted matches a program in the table of docs/coming-from.md, with its lines and those
// of the program that it is compared with.
var counted = regexp.MustCompile(`(?m)^\| \[[^]]*\]\((\S+\.go)\) \| (\d+) \| (\d+) \|`)

// TestLinesOfPrograms counts the lines of the programs of docs/coming-from.md.
func TestLinesOfPrograms(t *testing.T) {
	rows := counted.FindAllStringSubmatch(page(t, "docs/coming-from.md"), -1)
	if len(rows) < 6 {
		t.Errorf("found only %d programs", len(rows))
	}
	for _, row := range rows {
		name := path.Join("docs", row[1])
		n := 0
		for line := range strings.Lines(page(t, name)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				n++
			}
		}
		if strconv.Itoa(n) != row[2] {
			t.Errorf("%s has %d lines, and the page says %s", name, n, row[2])
		}
		if other, err := strconv.Atoi(row[3]); err != nil || other <= n {
			t.Errorf("%s is not shorter than %s lines", name, row[3])
		}
	}
}
