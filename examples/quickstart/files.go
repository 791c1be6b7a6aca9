package main

import (
	"bufio"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

//go:embed site
var site embed.FS

// pathsToAdd returns the named paths. If there are none, it writes the embedded
// site to a temporary directory and returns its path. remove removes the directory.
func pathsToAdd(named []string) (paths []string, remove func(), err error) {
	if len(named) > 0 {
		return named, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	shipped, err := fs.Sub(site, "site")
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "site"), shipped)
	}
	if err != nil {
		remove()
		return nil, nil, fmt.Errorf("cannot write the site to add: %w", err)
	}
	return []string{filepath.Join(dir, "site")}, remove, nil
}

// largeFileSize is large enough to interrupt an add in the middle.
const largeFileSize = 48 << 20

// largeFile writes the same bytes in each run, so that a real cluster does not
// fill up with copies.
func largeFile() (path string, err error) {
	f, err := os.CreateTemp("", "quickstart-large-*.bin")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = io.CopyN(w, rand.NewChaCha8([32]byte{}), largeFileSize)
	if err == nil {
		err = w.Flush()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("cannot write the file to add: %w", err)
	}
	return f.Name(), nil
}
