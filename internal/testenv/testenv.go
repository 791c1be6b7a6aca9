// Package testenv copes with what machines that run tests have or lack, as the
// package of that name does for Go's own tests.
package testenv

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

// MaxSocketPath is how many bytes the path of a Unix socket may have.
const MaxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// maxSocketName is how long a name within a folder of NewSocketDir may be.
const maxSocketName = 16

// NewSocketDir makes a folder for Unix sockets with names of up to 16 bytes:
// among the temporary files, or in /tmp if the path of those is too long for
// sockets. The caller removes it.
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

// SocketDir returns the path of a folder as NewSocketDir makes it, which is
// removed at the end of the test. The paths of [testing.TB.TempDir] hold the
// test's name, so that many are too long.
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

// MustHaveAddress skips the test if the machine lacks one of the IP addresses:
// ::1 where IPv6 is off, those of 127.0.0.0/8 but 127.0.0.1 elsewhere than on
// Linux.
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
