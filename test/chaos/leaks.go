//go:build unix

package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/goleak"
)

// stock is what the process holds: goroutines and descriptors.
type stock struct {
	goroutines  goleak.Option
	descriptors map[string]string // target by number; nil if the system does not list them
}

// takeStock returns what the process holds now.
func takeStock() (*stock, error) {
	// The first use of the network opens descriptors that stay open.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("no network: %w", err)
	}
	l.Close()
	return &stock{goroutines: goleak.IgnoreCurrent(), descriptors: descriptors()}, nil
}

// compare records what the process holds now and did not hold when s was taken.
func (s *stock) compare(r *record) {
	if err := goleak.Find(s.goroutines); err != nil {
		r.violated("leaked goroutines", "%v", err)
	} else {
		r.found("no goroutine has leaked")
	}
	if s.descriptors == nil {
		return
	}
	left := descriptors()
	for _, number := range slices.Sorted(maps.Keys(left)) {
		if target := left[number]; s.descriptors[number] != target {
			r.violated("leaked descriptors", "descriptor %s: %s", number, target)
		}
	}
	if r.broken["leaked descriptors"] == nil {
		r.found("no descriptor has leaked")
	}
}

// descriptors returns the open files, sockets and pipes of the process.
func descriptors() map[string]string {
	const dir = "/proc/self/fd" // only on Linux
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	open := map[string]string{}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		// The directory itself was open while it was read. The runtime keeps its
		// anonymous descriptors.
		if err == nil && !strings.HasPrefix(target, "anon_inode:") {
			// A file that was removed meanwhile is still the same file.
			open[e.Name()] = strings.TrimSuffix(target, " (deleted)")
		}
	}
	return open
}
