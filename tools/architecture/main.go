// Command architecture draws the packages of pinfleet and prints an SVG:
//
//	GOWORK=off go -C tools run ./architecture > docs/architecture.svg
//
// The packages come from go list. Each package of the library has a box, and
// arrows to the packages that it imports, except for imports that follow from
// other arrows. A package that is internal to a package of the library is shown
// as part of that package. Other internal packages, and those of commands, tests and
// examples, are listed below the graph. Only the captions are written by hand,
// in captions.go.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

const module = "github.com/pinfleet/pinfleet"

func main() {
	log.SetFlags(0)
	log.SetPrefix("architecture: ")
	svg, err := picture()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.Write(svg); err != nil {
		log.Fatal(err)
	}
}

func picture() ([]byte, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	imports, err := load(root)
	if err != nil {
		return nil, err
	}
	if err := checkCaptions(imports); err != nil {
		return nil, err
	}
	g := newGraph(imports)
	return draw(g, layout(g)), nil
}

// findRoot returns the root directory of the module. The program must run in it
// or below it.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module "+module+"\n")) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("run it within %s", module)
		}
		dir = parent
	}
}
