// Command fileproxy packs modules into a directory that the go command can use
// as a module proxy (GOPROXY=file://…), as if the modules were published:
//
//	fileproxy PROXY VERSION MODULE…
//
// Each MODULE is a directory with a go.mod file. All modules get the same VERSION.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: fileproxy PROXY VERSION MODULE...")
		os.Exit(2)
	}
	for _, dir := range os.Args[3:] {
		if err := publish(os.Args[1], os.Args[2], dir); err != nil {
			fmt.Fprintf(os.Stderr, "fileproxy: %s: %v\n", dir, err)
			os.Exit(1)
		}
	}
}

// publish writes a module to the proxy in the layout of
// https://go.dev/ref/mod#goproxy-protocol. dir is the module's directory.
func publish(proxy, version, dir string) error {
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	m := module.Version{Path: modfile.ModulePath(gomod), Version: version}
	if err := module.Check(m.Path, m.Version); err != nil {
		return err
	}
	name, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	info, err := json.Marshal(map[string]string{"Version": version})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := zip.CreateFromDir(&packed, m, dir); err != nil {
		return err
	}
	folder := filepath.Join(proxy, filepath.FromSlash(name), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for file, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": info,
		version + ".mod":  gomod,
		version + ".zip":  packed.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
