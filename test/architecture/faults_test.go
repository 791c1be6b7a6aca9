package architecture

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	faultRow = regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \|.*$`)
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)`)
	testName = regexp.MustCompile("`(Test[A-Za-z0-9_]+|Fuzz[A-Za-z0-9_]+)`")
)

// TestEveryUpstreamFaultIsKeptOut checks that each fault of upstream's client
// has a row that names existing tests, or the design decision that prevents the fault.
func TestEveryUpstreamFaultIsKeptOut(t *testing.T) {
	checkFaults(t, "upstream-faults.md", "U", 48)
}

// TestEveryPyxisFaultIsKeptOut checks the same for the faults of the older pyxis
// client.
func TestEveryPyxisFaultIsKeptOut(t *testing.T) {
	checkFaults(t, "pyxis-faults.md", "P", 31)
}

func checkFaults(t *testing.T, document, prefix string, count int) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range faultRow.FindAllStringSubmatch(string(text), -1) {
		rows[m[1]] = m[0]
	}
	exists := testNames(t, root)
	for i := 1; i <= count; i++ {
		name := fmt.Sprint(prefix, i)
		row, ok := rows[name]
		if !ok {
			t.Errorf("docs/%s has no row for %s", document, name)
			continue
		}
		tests := testName.FindAllStringSubmatch(row, -1)
		if len(tests) == 0 && !strings.Contains(row, "by design") {
			t.Errorf("the row of %s names neither a test nor a choice (by design)", name)
		}
		for _, m := range tests {
			if !exists[m[1]] {
				t.Errorf("the row of %s names %s, which does not exist", name, m[1])
			}
		}
	}
}

// testNames returns the names of all tests and fuzz targets below root.
func testNames(t *testing.T, root string) map[string]bool {
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
