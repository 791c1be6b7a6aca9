// Package testenv adapts tests to the machine on which they run, like the
// package of the same name in Go's own tree.
package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// MaxSocketPath is the maximum length of the path of a Unix socket, in bytes.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// maxSocketName is the maximum length of a file name in a directory of NewSocketDir.
const maxSocketName = 16

// NewSocketDir creates a directory for Unix sockets whose names have up to 16
// bytes. It is below the directory for temporary files, or below /tmp if that
// path is too long for sockets. The caller must remove it.
func NewSocketDir() (string, error) {
	var errs []error
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		dir, err := os.MkdirTemp(parent, "sock")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(dir)+1+maxSocketName <= MaxSocketPath {
			return dir, nil
		}
		errs = append(errs, fmt.Errorf("%s is too long for the path of a socket", dir), os.Remove(dir))
	}
	return "", fmt.Errorf("no folder for Unix sockets: %w", errors.Join(errs...))
}

// SocketDir is like NewSocketDir, but removes the directory when the test ends.
// The paths of [testing.TB.TempDir] are often too long, because they contain
// the test's name.
func SocketDir(tb testing.TB) string {
	tb.Helper()
	dir, err := NewSocketDir()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// MustHaveAddress skips the test if the machine lacks one of the IP addresses.
// ::1 is missing if IPv6 is disabled. Only Linux has all addresses of 127.0.0.0/8.
func MustHaveAddress(tb testing.TB, ips ...string) {
	tb.Helper()
	for _, ip := range ips {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			tb.Skipf("this machine does not have the address %s: %v", ip, err)
		}
		l.Close()
	}
}

// FreePorts returns the first of n consecutive TCP ports of 127.0.0.1 that are
// free. They are below the range from which systems assign ports to connections
// and to listeners on port 0, so other tests do not take them meanwhile.
func FreePorts(tb testing.TB, n int) int {
	tb.Helper()
	for range 100 {
		if first := 20_000 + rand.N(10_000); areFree(first, n) {
			return first
		}
	}
	tb.Fatalf("found no %d consecutive free ports", n)
	return 0
}

func areFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return false
		}
		defer l.Close()
	}
	return true
}
