package lbclient_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// C10: a client out of file descriptors ejected all its peers, so that it went on failing
// for up to a minute when there were descriptors again.
func TestNoDescriptorsBlamesNobody(t *testing.T) {
	_, c := newCluster(t, &strategy.RoundRobin{})
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	lowest, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(lowest.Fd()), Max: before.Max}
	_ = lowest.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var failures []error
	for range 10 {
		_, err := c.Version(t.Context())
		failures = append(failures, err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	for _, err := range failures {
		if !errors.Is(err, client.ErrLocal) {
			t.Errorf("without descriptors: %v", err)
		}
	}
	for range 6 { // two at each peer
		if _, err := c.Version(t.Context()); err != nil {
			t.Errorf("with descriptors again: %v", err)
		}
	}
	for _, e := range c.(*lbclient.Client).Endpoints() {
		if e.State != lbclient.Admitted || e.Failures["local"] == 0 {
			t.Errorf("%s is %s after the failures %v", e.Endpoint, e.State, e.Failures)
		}
	}
}
