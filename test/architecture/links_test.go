package architecture

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// TestLinksResolve checks that the files and headings in relative links exist,
// and that every page of docs can be reached from README.
func TestLinksResolve(t *testing.T) {
	pages := markdown(t)
	links := map[string][]string{} // the targets of each page's links
	seen := 0
	for name, text := range pages {
		text = code.ReplaceAllString(fence.ReplaceAllString(text, ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			seen++
			target, anchor, _ := strings.Cut(m[1], "#")
			if target = path.Join(path.Dir(name), target); strings.HasPrefix(m[1], "#") {
				target = name
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
				continue
			}
			if page, ok := pages[target]; anchor != "" && !(ok && anchors(page)[anchor]) {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
			links[name] = append(links[name], target)
		}
	}
	if seen < 20 {
		t.Errorf("found only %d links", seen)
	}
	reached := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if !reached[name] {
			reached[name] = true
			for _, next := range links[name] {
				visit(next)
			}
		}
	}
	visit("README.md")
	for name := range pages {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("no link leads from README.md to %s", name)
		}
	}
}

// markdown returns the text of every page by its path relative to the root of
// the module.
func markdown(t *testing.T) map[string]string {
	pages := map[string]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(file) != ".md" {
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		pages[name] = readPage(t, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// anchors returns the names of a page's headings in GitHub's links: in lower
// case, without punctuation, with dashes for spaces.
func anchors(page string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		names[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1])] = true
	}
	return names
}

// sourcePath matches a path of this repository in docs/architecture.md: a file,
// a directory, which ends in a slash, or a pattern of files.
var sourcePath = regexp.MustCompile("`((?:[a-z0-9]+/)+(?:[a-z0-9_*-]+\\.[a-z]+)?)`")

// TestArchitecturePageNamesFilesThatExist checks the paths in
// docs/architecture.md.
func TestArchitecturePageNamesFilesThatExist(t *testing.T) {
	named := sourcePath.FindAllStringSubmatch(readPage(t, "docs/architecture.md"), -1)
	if len(named) < 50 {
		t.Errorf("found only %d paths", len(named))
	}
	for _, m := range named {
		found, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(m[1])))
		if err != nil || len(found) == 0 {
			t.Errorf("docs/architecture.md names %s, which does not exist (%v)", m[1], err)
		}
	}
}
