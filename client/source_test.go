package client

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

var formName = regexp.MustCompile(`name="file\?[^"]*"`)

// seenPart returns the part without the mode and time of its form name.
func seenPart(header map[string][]string, content []byte) part {
	var lines []string
	name := ""
	for k, vs := range header {
		for _, v := range vs {
			if _, escaped, ok := strings.Cut(v, `filename="`); ok {
				name, _ = url.QueryUnescape(strings.TrimSuffix(escaped, `"`))
			}
			lines = append(lines, k+": "+formName.ReplaceAllString(v, `name="file?…"`))
		}
	}
	slices.Sort(lines)
	return part{header: strings.Join(lines, "\n"), name: name, content: string(content)}
}

// added adds the paths and returns the names of the parts that the server received.
func added(t *testing.T, a *adder, c Client, params *api.AddParams, paths ...string) []string {
	t.Helper()
	if err := c.Add(t.Context(), paths, params, nil); err != nil {
		t.Errorf("%q: %v", paths, err)
	}
	return a.names()
}

func recursive() *api.AddParams {
	params := api.DefaultAddParams()
	params.Recursive = true
	return params
}

// U23: paths were parsed as URLs, so that 100%.txt could not be added and every path that
// begins with http was fetched; ".." and "sub/.." lost their names. Now a path is a file
// name, and the upload has the file's real name.
func TestU23NamesOfPaths(t *testing.T) {
	a, c := addTo(t)
	dir := tree(t, map[string]string{
		"100%.txt": "", "a+b c": "", "ünïcödé 日本": "", "httpd.conf": "", "https": "", "q?x=1#f": "", "%41": "", "back\\slash": "", "-": "",
		".hidden": "", "sub/x": "", "new\nline": "", `quo"te`: "",
	})
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, name := range []string{"100%.txt", "a+b c", "ünïcödé 日本", "httpd.conf", "https", "q?x=1#f", "%41", "back\\slash", "-", ".hidden", "new\nline", `quo"te`} {
		for _, p := range []string{name, "./" + name, "sub/../" + name, filepath.Join(dir, name), name + "/"} {
			if got := added(t, a, c, nil, p); !slices.Equal(got, []string{name}) {
				t.Errorf("%q is uploaded as %q", p, got)
			}
		}
	}
	base := filepath.Base(real)
	for _, p := range []string{".", "./", "sub/..", "sub/../", "./sub/./..", dir} {
		if got := added(t, a, c, recursive(), p); len(got) == 0 || got[0] != base {
			t.Errorf("%q is uploaded as %q, want %q", p, got, base)
		}
	}
	t.Chdir("sub")
	for p, want := range map[string]string{".": "sub", "..": base, "../sub": "sub", "../.": base} {
		if got := added(t, a, c, recursive(), p); len(got) == 0 || got[0] != want {
			t.Errorf("%q is uploaded as %q, want %q", p, got, want)
		}
	}
	if err := c.Add(t.Context(), []string{"/"}, recursive(), nil); !isInvalid(err) {
		t.Errorf("the root directory: %v", err)
	}
}

// A path through a symlink leads to the same file as for the operating system.
func TestPathsThroughSymlinks(t *testing.T) {
	a, c := addTo(t)
	dir := tree(t, map[string]string{"real/deep/x": "right", "x": "wrong", "real/x": "real"})
	if err := os.Symlink("real/deep", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	added(t, a, c, nil, "link/../x")
	if got := a.parts; len(got) != 1 || got[0].content != "real" {
		t.Errorf("link/../x is %+v", got)
	}
	if got := added(t, a, c, recursive(), "link/.."); got[0] != "real" {
		t.Errorf("link/.. is %q", got)
	}
	// Getwd may return the path of the symlink.
	t.Chdir(filepath.Join(dir, "link"))
	t.Setenv("PWD", filepath.Join(dir, "link"))
	if got := added(t, a, c, recursive(), "."); !slices.Equal(got, []string{"deep", "deep/x"}) {
		t.Errorf(". is %q", got)
	}
}

// B8: Add of a symlink pinned the text of the link, without a word. A path means what
// it leads to, under the name that it was given.
func TestB8SymlinkAsArgument(t *testing.T) {
	a, c := addTo(t)
	dir := tree(t, map[string]string{"v2/index.html": "new", "f": "file"})
	for link, target := range map[string]string{"current": "v2", "again": "current", "g": "f", "nowhere": "missing", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for link, want := range map[string][]string{"current": {"current", "current/index.html"}, "again": {"again", "again/index.html"}, "g": {"g"}} {
		if got := added(t, a, c, recursive(), filepath.Join(dir, link)); !slices.Equal(got, want) {
			t.Errorf("%s: %q", link, got)
		}
	}
	for _, link := range []string{"nowhere", "loop"} {
		if err := c.Add(t.Context(), []string{filepath.Join(dir, link)}, nil, nil); !errors.Is(err, ErrSource) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

// A directory is uploaded with these parts, in this order, and with these headers.
func TestDirectoryUpload(t *testing.T) {
	a, c := addTo(t)
	dir := filepath.Join(tree(t, map[string]string{
		"d/b": "B", "d/a": "A", "d/.h": "H", "d/.hd/x": "X", "d/empty/": "", "d/sub/deep/y": "Y", "d/sub/x z": "", "d/sub-1": "",
	}), "d")
	if err := os.Symlink("../nowhere", filepath.Join(dir, "lnk")); err != nil {
		t.Fatal(err)
	}
	want := []string{"d", "d/a", "d/b", "d/empty", "d/lnk", "d/sub", "d/sub/deep", "d/sub/deep/y", "d/sub/x z", "d/sub-1"}
	if got := added(t, a, c, recursive(), dir); !slices.Equal(got, want) {
		t.Errorf("parts %q", got)
	}
	const disposition = "Content-Disposition: form-data; name=\"file?…\"; filename="
	for name, want := range map[string]part{
		"d":     {header: disposition + "\"d\"\nContent-Type: application/x-directory"},
		"d/a":   {header: disposition + "\"d%2Fa\"\nContent-Type: application/octet-stream", content: "A"},
		"d/lnk": {header: disposition + "\"d%2Flnk\"\nContent-Type: application/symlink", content: "../nowhere"},
	} {
		i := slices.IndexFunc(a.parts, func(p part) bool { return p.name == name })
		if want.name = name; a.parts[i] != want {
			t.Errorf("part %+v, want %+v", a.parts[i], want)
		}
	}
	hidden := recursive()
	hidden.Hidden = true
	if got := added(t, a, c, hidden, dir); !slices.Equal(got[:4], []string{"d", "d/.h", "d/.hd", "d/.hd/x"}) || len(got) != len(want)+3 {
		t.Errorf("with hidden files: %q", got)
	}
	// A hidden file or directory is uploaded if it is an argument.
	if got := added(t, a, c, recursive(), filepath.Join(dir, ".hd")); !slices.Equal(got, []string{".hd", ".hd/x"}) {
		t.Errorf("hidden directory: %q", got)
	}
	flat := api.DefaultAddParams()
	flat.Recursive = false
	if err := c.Add(t.Context(), []string{dir}, flat, nil); !isInvalid(err) || !strings.Contains(err.Error(), "set Recursive") {
		t.Errorf("not recursive: %v", err)
	}
}

// An upload has the same bytes as that of the IPFS libraries' writer, except for the
// absolute paths of local files, which are not sent.
func TestUploadEqualsReference(t *testing.T) {
	root := filepath.Join(tree(t, map[string]string{"r/f": "content", "r/e/": "", "r/s p+ü": "", "r/big": strings.Repeat("0123456789", 100_000)}), "r")
	if err := os.Symlink("f", filepath.Join(root, "l")); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{"f": 0o600, "big": 0o755 | os.ModeSetuid, "e": 0o700 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(root, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(filepath.Join(root, "f"), time.Time{}, time.Unix(1_778_487_072, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(root, "big"), time.Time{}, time.Unix(-5, 7)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(root)
	if err != nil {
		t.Fatal(err)
	}
	node, err := files.NewSerialFile(root, false, info)
	if err != nil {
		t.Fatal(err)
	}
	reference := files.NewMultiFileReader(files.NewSliceDirectory([]files.DirEntry{files.FileEntry("r", node)}), true, false)
	want, err := io.ReadAll(reference)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`Abspath-Encoded: [^\r]*\r\n`).ReplaceAllString(string(want), "")

	roots, err := newRoots([]string{root}, recursive(), &config.WebPolicy{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(newMultipartBody(t.Context(), reference.Boundary(), roots, recursive(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		for i, line := range strings.Split(text, "\r\n") {
			if lines := strings.Split(string(got), "\r\n"); i >= len(lines) || lines[i] != line {
				t.Fatalf("line %d is\n%.200q\nwant\n%.200q", i, lines[min(i, len(lines)-1)], line)
			}
		}
		t.Errorf("%d bytes, want %d", len(got), len(text))
	}
}

// U24: several paths were uploaded side by side. The server then merges directories, pins
// only the last file, and lets equal names replace each other. Now the client wraps
// several paths in a directory, and rejects equal names.
func TestU24SeveralPaths(t *testing.T) {
	a, c := addTo(t)
	dir := tree(t, map[string]string{"a": "", "b": "", "other/a": "", "d/x": ""})
	params := recursive()
	in := func(name string) string { return filepath.Join(dir, name) }
	if got := added(t, a, c, params, in("a"), in("d"), in("b")); !slices.Equal(got, []string{"a", "d", "d/x", "b"}) {
		t.Errorf("parts %q", got)
	}
	if !strings.Contains(a.query, "wrap-with-directory=true") || params.Wrap {
		t.Errorf("query %s, caller's Wrap %t", a.query, params.Wrap)
	}
	added(t, a, c, params, in("d"))
	if strings.Contains(a.query, "wrap-with-directory=true") {
		t.Error("a single path was wrapped")
	}
	err := c.Add(t.Context(), []string{in("a"), in("b"), in("other/a"), in("missing")}, params, nil)
	if !isInvalid(err) || !strings.Contains(err.Error(), "would both be named a") || !strings.Contains(err.Error(), "missing") {
		t.Errorf("everything wrong at once: %v", err)
	}
	if err := c.Add(t.Context(), []string{in("a"), in("a")}, params, nil); !isInvalid(err) {
		t.Errorf("the same path twice: %v", err)
	}
}

// Special files, and sources that are not CAR files, are rejected.
func TestRefusedSources(t *testing.T) {
	_, c := addTo(t)
	dir := tree(t, map[string]string{"d/a": "", "x.car": ""})
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := mkfifo(in("d/z-pipe")); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("no named pipes on this system")
	} else if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x.car", in("link.car")); err != nil {
		t.Fatal(err)
	}
	car := func() *api.AddParams { p := recursive(); p.Format = "car"; return p }
	wrapped := car()
	wrapped.Wrap = true
	noCopy := recursive()
	noCopy.NoCopy = true
	for name, test := range map[string]struct {
		paths  []string
		params *api.AddParams
		text   string
	}{
		"pipe":                {[]string{in("d/z-pipe")}, nil, "neither a file"},
		"pipe in a directory": {[]string{in("d")}, recursive(), "neither a file"},
		"two CARs":            {[]string{in("x.car"), in("x.car")}, car(), "added alone"},
		"wrapped CAR":         {[]string{in("x.car")}, wrapped, "cannot be wrapped"},
		"directory as CAR":    {[]string{in("d")}, car(), "not a CAR file"},
		"symlink as CAR":      {[]string{in("link.car")}, car(), "it is empty"},
		"nocopy of a file":    {[]string{in("x.car")}, noCopy, "http:// and https:// sources only"},
		"empty path":          {[]string{""}, nil, "empty path"},
		"no host":             {[]string{"http:///x"}, nil, "no host"},
		"malformed address":   {[]string{"http://u:s3cret@h/%zz"}, nil, "malformed"},
	} {
		err := c.Add(t.Context(), test.paths, test.params, nil)
		if !isInvalid(err) || !strings.Contains(fmt.Sprint(err), test.text) || strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat("/dev/null"); err == nil {
		if err := c.Add(t.Context(), []string{"/dev/null"}, nil, nil); !isInvalid(err) {
			t.Errorf("device: %v", err)
		}
	}
}
