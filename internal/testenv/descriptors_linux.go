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
	var taken []*os.File
	defer func() {
		for _, f := range taken {
			_ = f.Close()
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			tb.Fatal(err)
		}
	}()
	// Connections of earlier tests may have been closed meanwhile: take their
	// descriptors. With a single one, a client would connect to a server of this
	// process that cannot accept.
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	do()
}
