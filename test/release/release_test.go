package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestProgramOutsideTheTree: contrib/otel once required v0.0.0 of the SDK,
// which does not exist, and replaced it with a relative directory. A replace
// directive applies only in the main module, so no user could install
// contrib/otel. The test program gets contrib/otel from the work tree. It gets
// the SDK in the version that contrib/otel requires, from the tag of that
// version, or from the work tree if there is no such tag.
func TestProgramOutsideTheTree(t *testing.T) {
	root := checkout(t)
	version := required(t, root)
	proxy := t.TempDir()
	pack(t, root, proxy, version, released(t, root, version), filepath.Join(root, "contrib", "otel"))

	program := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "program", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(program, "main.go"), string(text))
	write(t, filepath.Join(program, "go.mod"), "module program.example\n\ngo 1.26.0\n")
	write(t, filepath.Join(program, "go.sum"), sums(t, root))

	env := outside(t, proxy)
	run(t, program, env, "go", "get", sdk+"/contrib/otel@"+version)
	want := "peer 1.1.6\nspan Cluster/Version attempt\nspan Cluster/Version\n"
	if got := run(t, program, env, "go", "run", "."); got != want {
		t.Errorf("the program prints %q, want %q", got, want)
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
	t.Logf("%s is released: if contrib/otel needs what came later, it must require the next version (RELEASING.md)", version)
	dir := t.TempDir()
	archive := filepath.Join(t.TempDir(), "sdk.tar")
	run(t, root, nil, "git", "archive", "--format=tar", "--output="+archive, version)
	run(t, dir, nil, "tar", "-xf", archive)
	return dir
}

// sums returns the checksums of the modules' dependencies, without those of the
// SDK, which may be out of date.
func sums(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	for _, module := range []string{".", "contrib/otel"} {
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

	if got := required(t, repo); got != version {
		t.Errorf("contrib/otel requires %s, want %s", got, version)
	}
	if got := run(t, repo, nil, "git", "status", "--porcelain"); got != "" {
		t.Errorf("left in the work tree: %s", got)
	}
	head := run(t, repo, nil, "git", "rev-parse", "HEAD")
	for _, tag := range []string{version, "contrib/otel/" + version} {
		if got := run(t, repo, nil, "git", "rev-parse", tag+"^{commit}"); got != head {
			t.Errorf("%s is at %s, want %s", tag, got, head)
		}
	}
	// The checksum of the SDK in contrib/otel must be that of the tag.
	proxy := t.TempDir()
	pack(t, root, proxy, version, released(t, repo, version))
	otel := filepath.Join(repo, "contrib", "otel")
	run(t, otel, append(outside(t, proxy), "GOFLAGS=-modcacherw"), "go", "mod", "download", sdk)
	if text, err := os.ReadFile(filepath.Join(otel, "go.sum")); err != nil || !strings.Contains(string(text), sdk+" "+version+" h1:") {
		t.Errorf("contrib/otel/go.sum has no checksum of the SDK: %v", err)
	}
	// The tree must build before anything is published.
	run(t, otel, []string{"GOPROXY=off"}, "go", "list", "-deps", "./...")
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
