package client

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// E6: the walker opened its files by path. While an earlier file was uploaded, a directory
// could be replaced by a symlink, and then the upload read files outside the tree. Now each
// directory stays open while its files are read, and no symlink is followed, not even one
// that leads to a hidden file of the same tree.
func TestE6AddStaysInItsTree(t *testing.T) {
	const big = 1 << 20
	replaceBy := func(target string) func(path string) error {
		return func(path string) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(target, path))
		}
	}
	replaced := func(kind string) string { return "is no longer a " + kind }
	for name, test := range map[string]struct {
		path   string // what is replaced
		change func(path string) error
		before string // the file in whose middle it is replaced; "" for before the first read
		text   string // of the error; "" for an upload of the original files
	}{
		"root":                       {"site", replaceBy("outside"), "", replaced("directory")},
		"directory":                  {"site/d", replaceBy("../outside"), "site/a", replaced("directory")},
		"directory by one within":    {"site/d", replaceBy(".hidden"), "site/a", replaced("directory")},
		"directory within directory": {"site/d/e", replaceBy("../../outside"), "site/d/a", replaced("directory")},
		"directory by a file":        {"site/d", func(path string) error { return os.Rename("site/z", renamed(path)) }, "site/a", replaced("directory")},
		"directory by a pipe":        {"site/d", func(path string) error { return mkfifo(renamed(path)) }, "site/a", replaced("directory")},
		"file":                       {"site/z", replaceBy("../outside/x"), "site/a", replaced("regular file")},
		"file by one within":         {"site/z", replaceBy(".hidden/x"), "site/a", replaced("regular file")},
		"file by a directory":        {"site/z", func(path string) error { return os.Mkdir(renamed(path), 0o755) }, "site/a", replaced("regular file")},
		"file by a pipe":             {"site/z", func(path string) error { return mkfifo(renamed(path)) }, "site/a", replaced("regular file")},
		"symlink":                    {"site/l", func(path string) error { return os.Mkdir(renamed(path), 0o755) }, "site/a", replaced("symlink")},
		"symlink by another":         {"site/l", replaceBy("elsewhere"), "site/a", "target is new"},
		"open directory":             {"site/d", replaceBy("../outside"), "site/d/a", ""},
		"open root":                  {"site", replaceBy("outside"), "site/a", ""},
		"directory of an open one":   {"site/d", replaceBy("../outside"), "site/d/e/a", ""},
		"file that is open":          {"site/a", replaceBy("../outside/x"), "site/a", ""},
		"vanished file":              {"site/z", os.Remove, "site/a", "z: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(tree(t, map[string]string{
				"site/a": strings.Repeat("A", big), "site/d/a": strings.Repeat("B", big), "site/d/b": "right", "site/d/e/a": strings.Repeat("C", big), "site/d/e/x": "right",
				"site/z": "right", "site/.hidden/x": "SECRET", "site/.hidden/b": "SECRET", "outside/x": "SECRET", "outside/b": "SECRET", "outside/e/x": "SECRET", "outside/z": "SECRET",
			}))
			if err := os.Symlink("old", "site/l"); err != nil {
				t.Fatal(err)
			}
			m := bodyOf(t, nil, "site")
			var got strings.Builder
			if test.before != "" {
				mark := map[string]string{"site/a": "AAA", "site/d/a": "BBB", "site/d/e/a": "CCC"}[test.before]
				for !strings.Contains(got.String(), mark) {
					if _, err := io.CopyN(&got, m, 100); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := test.change(test.path); errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			_, err := io.Copy(&got, m)
			switch {
			case strings.Contains(got.String(), "SECRET"):
				t.Errorf("the upload left its tree: %v", err)
			case test.text == "":
				if err != nil || strings.Count(got.String(), "right") != 3 {
					t.Errorf("%d files, %v", strings.Count(got.String(), "right"), err)
				}
			case test.text == "target is new":
				if err != nil || !strings.Contains(got.String(), "elsewhere") {
					t.Errorf("%v", err)
				}
			case err == nil || !strings.Contains(err.Error(), filepath.Base(test.path)) || !strings.Contains(err.Error(), test.text):
				t.Errorf("error %v, want %q", err, test.text)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// renamed moves what is at path away, and returns path.
func renamed(path string) string {
	_ = os.Rename(path, path+".moved")
	return path
}
