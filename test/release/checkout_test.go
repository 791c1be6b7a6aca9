// Package release tests what users get: modules that are packed as a module
// proxy serves them must build and run outside the repository.
package release

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const sdk = "github.com/pinfleet/pinfleet"

// checkout returns the root of the repository. It skips short tests.
func checkout(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it packs and builds modules, which takes a minute or more if nothing is cached")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "tools", "go.mod")); err != nil {
		t.Skip("this is a copy of the module without its repository: ", err)
	}
	lookAt(t, root)
	// git refuses to clone a repository that another user owns.
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
	t.Setenv("GIT_CONFIG_VALUE_0", "*")
	return root
}

// lookAt stats every file, so that the go command regards all files as inputs of
// the test. Otherwise it would reuse a cached result after changes to files that
// are read only by the commands that the test runs.
func lookAt(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		}
		if _, err := os.Stat(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command in dir with additional environment variables and returns
// its standard output.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

// modules returns the directories of the modules below contrib.
func modules(t *testing.T, root string) []string {
	t.Helper()
	mods, err := filepath.Glob(filepath.Join(root, "contrib", "*", "go.mod"))
	if err != nil || len(mods) != len(printed) {
		t.Fatalf("modules below contrib: %v, %v, and programs for %d", mods, err, len(printed))
	}
	for i := range mods {
		mods[i] = filepath.Dir(mods[i])
	}
	return mods
}

// required returns the version of the SDK that the module in dir requires.
func required(t *testing.T, dir string) string {
	t.Helper()
	var gomod struct {
		Require []struct{ Path, Version string }
		Replace []any
	}
	text := run(t, dir, nil, "go", "mod", "edit", "-json")
	if err := json.Unmarshal([]byte(text), &gomod); err != nil {
		t.Fatal(err)
	}
	if len(gomod.Replace) > 0 {
		t.Errorf("%s/go.mod has a replace, which its users do not get: go.work serves work in the tree", dir)
	}
	for _, r := range gomod.Require {
		if r.Path == sdk {
			return r.Version
		}
	}
	t.Fatalf("%s does not require %s", dir, sdk)
	return ""
}

// pack publishes modules to the directory proxy, which GOPROXY can name.
func pack(t *testing.T, root, proxy, version string, dirs ...string) {
	t.Helper()
	args := append([]string{"run", "./fileproxy", proxy, version}, dirs...)
	run(t, filepath.Join(root, "tools"), []string{"GOWORK=off"}, "go", args...)
}

// outside returns the environment of a user who gets the modules in the
// directory proxy from that directory, and all other modules as usual.
func outside(t *testing.T, proxy string) []string {
	t.Helper()
	usual := strings.Fields(run(t, "", nil, "go", "env", "GOMODCACHE", "GOPROXY"))
	return []string{
		"GOWORK=off",
		// The module cache must be new, because the usual one would keep the
		// version that was packed first. The other modules come from the usual
		// cache, which serves as a proxy. With -trimpath, their compiled packages
		// are found in the build cache even though the module cache is new.
		"GOMODCACHE=" + t.TempDir(),
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOPROXY=" + fileURL(proxy) + "," + fileURL(filepath.Join(usual[0], "cache", "download")) + "," + usual[1],
		// The checksum database does not have unpublished modules.
		"GONOSUMDB=" + sdk, "GOPRIVATE=", "GONOPROXY=",
	}
}

func fileURL(path string) string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(path), "/")
}
