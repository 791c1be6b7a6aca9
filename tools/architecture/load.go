package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The picture must not depend on the machine, so it shows the packages for Linux.
const (
	goos   = "linux"
	goarch = "amd64"
)

// load returns the imports of each package of pinfleet outside its tests. Names
// are relative to the module's path.
func load(root string) (map[string][]string, error) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	list.Dir = root
	list.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	imports := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		imports[strings.TrimPrefix(p.ImportPath, module+"/")] = ours(p.Imports)
	}
	return imports, loadContrib(root, imports)
}

// loadContrib adds the modules below contrib. It does not use go list, which
// would need all their dependencies.
func loadContrib(root string, imports map[string][]string) error {
	mods, err := filepath.Glob(filepath.Join(root, "contrib", "*", "go.mod"))
	if err != nil {
		return err
	}
	target := build.Default
	target.GOOS, target.GOARCH, target.CgoEnabled = goos, goarch, false
	for _, mod := range mods {
		dir := filepath.Dir(mod)
		p, err := target.ImportDir(dir, 0)
		if err != nil {
			return err
		}
		imports["contrib/"+filepath.Base(dir)] = ours(p.Imports)
	}
	return nil
}

// ours returns the packages of pinfleet among paths.
func ours(paths []string) []string {
	var names []string
	for _, p := range paths {
		if name, ok := strings.CutPrefix(p, module+"/"); ok {
			names = append(names, name)
		}
	}
	return names
}
