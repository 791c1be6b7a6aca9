package testenv

import (
	"os"
	"syscall"
	"testing"
)

// WithoutDescriptors calls do while the system refuses this process further file
// descriptors.
func WithoutDescriptors(tb testing.TB, do func()) {
	tb.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		tb.Fatal(err)
	}
	lowest, err := os.Open(os.DevNull)
	if err != nil {
		tb.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(lowest.Fd()), Max: before.Max}
	_ = lowest.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		tb.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			tb.Fatal(err)
		}
	}()
	do()
}
