package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// printed holds what the program in testdata of each module below contrib prints.
var printed = map[string]string{
	"etcd":       "etcd source: set Client and Prefix\n",
	"otel":       "peer 1.1.6\nspan Cluster/Version attempt\nspan Cluster/Version\n",
	"prometheus": "pinfleet_client_calls_total 1\n",
}

// TestProgramOutsideTheTree: contrib/otel once required v0.0.0 of the SDK,
// which does not exist, and replaced it with a relative directory. A replace
// directive applies only in the main module, so no user could install
// contrib/otel. Each test program gets a module below contrib from the work tree. It
// gets the SDK in the version that the module requires, from the tag of that
// version, or from the work tree if there is no such tag.
func TestProgramOutsideTheTree(t *testing.T) {
	root := checkout(t)
	proxy := t.TempDir()
	dirs := modules(t, root)
	version := required(t, dirs[0])
	pack(t, root, proxy, version, append([]string{released(t, root, version)}, dirs...)...)
	env := outside(t, proxy)
	for _, dir := range dirs {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			if v := required(t, dir); v != version {
				t.Errorf("contrib/%s requires %s of the SDK, and others %s", name, v, version)
			}
			buildOutside(t, root, env, name, version)
		})
	}
}

// buildOutside builds and runs the program of a module outside the tree.
func buildOutside(t *testing.T, root string, env []string, name, version string) {
	program := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", name, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(program, "main.go"), string(text))
	write(t, filepath.Join(program, "go.mod"), "module program.example\n\ngo 1.26.0\n")
	write(t, filepath.Join(program, "go.sum"), sums(t, root, name))
	run(t, program, env, "go", "get", sdk+"/contrib/"+name+"@"+version)
	if got := run(t, program, env, "go", "run", "."); got != printed[name] {
		t.Errorf("the program prints %q, want %q", got, printed[name])
	}
}

// released returns a directory with the SDK at a version: a copy of the tag, or
// the work tree if the tag does not exist.
func released(t *testing.T, root, version string) string {
	t.Helper()
	tag := exec.CommandContext(t.Context(), "git", "rev-parse", "--quiet", "--verify", "refs/tags/"+version)
	tag.Dir = root
	if tag.Run() != nil {
		return root
	}
	t.Logf("%s is released: if a module below contrib needs what came later, it must require the next version (RELEASING.md)", version)
	dir := t.TempDir()
	archive := filepath.Join(t.TempDir(), "sdk.tar")
	run(t, root, nil, "git", "archive", "--format=tar", "--output="+archive, version)
	run(t, dir, nil, "tar", "-xf", archive)
	return dir
}

// sums returns the checksums of the modules' dependencies, without those of the
// SDK, which may be out of date.
func sums(t *testing.T, root, name string) string {
	t.Helper()
	var b strings.Builder
	for _, module := range []string{".", "contrib/" + name} {
		text, err := os.ReadFile(filepath.Join(root, module, "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, sdk+" ") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

func TestReleaseScript(t *testing.T) {
	root := checkout(t)
	if runtime.GOOS == "windows" {
		t.Skip("the script is for a POSIX shell")
	}
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("not a clone of the repository: ", err)
	}
	const version = "v0.999.0"
	repo := copyOf(t, root)
	release := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), ".ci/release", version)
		cmd.Dir = repo
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	refused := func(why string) {
		t.Helper()
		if out, err := release(); err == nil || !strings.Contains(out, why) {
			t.Fatalf("got %v, %q; want a refusal: %s", err, out, why)
		}
	}

	refused("CHANGELOG.md")
	write(t, filepath.Join(repo, "CHANGELOG.md"), "# Changelog\n\n## 0.999.0 - 2026-12-01\n")
	refused("not clean")
	run(t, repo, nil, "git", "commit", "--quiet", "--all", "--message", "docs: the changes of 0.999.0")
	if out, err := release(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	refused("exists")

	tags := []string{version}
	for _, dir := range modules(t, repo) {
		if got := required(t, dir); got != version {
			t.Errorf("%s requires %s, want %s", dir, got, version)
		}
		tags = append(tags, "contrib/"+filepath.Base(dir)+"/"+version)
	}
	if got := run(t, repo, nil, "git", "status", "--porcelain"); got != "" {
		t.Errorf("left in the work tree: %s", got)
	}
	head := run(t, repo, nil, "git", "rev-parse", "HEAD")
	for _, tag := range tags {
		if got := run(t, repo, nil, "git", "rev-parse", tag+"^{commit}"); got != head {
			t.Errorf("%s is at %s, want %s", tag, got, head)
		}
	}
	// The checksum of the SDK in each go.sum must be that of the tag.
	proxy := t.TempDir()
	pack(t, root, proxy, version, released(t, repo, version))
	env := append(outside(t, proxy), "GOFLAGS=-modcacherw")
	for _, dir := range modules(t, repo) {
		run(t, dir, env, "go", "mod", "download", sdk)
		if text, err := os.ReadFile(filepath.Join(dir, "go.sum")); err != nil || !strings.Contains(string(text), sdk+" "+version+" h1:") {
			t.Errorf("%s has no checksum of the SDK in its go.sum: %v", dir, err)
		}
		// The tree must build before anything is published.
		run(t, dir, []string{"GOPROXY=off"}, "go", "list", "-deps", "./...")
	}
}

// copyOf returns a repository whose only commit is the work tree of root.
func copyOf(t *testing.T, root string) string {
	t.Helper()
	repo := t.TempDir()
	files := run(t, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for name := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		from, to := filepath.Join(root, name), filepath.Join(repo, name)
		info, err := os.Stat(from)
		if os.IsNotExist(err) {
			continue // removed from the work tree, but not from the index
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, string(text))
		if err := os.Chmod(to, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	run(t, repo, nil, "git", "init", "--quiet")
	run(t, repo, nil, "git", "config", "user.name", "release test")
	run(t, repo, nil, "git", "config", "user.email", "release@test.example")
	run(t, repo, nil, "git", "config", "commit.gpgSign", "false")
	run(t, repo, nil, "git", "config", "tag.gpgSign", "false")
	run(t, repo, nil, "git", "add", "--all")
	run(t, repo, nil, "git", "commit", "--quiet", "--message", "the work tree")
	return repo
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
