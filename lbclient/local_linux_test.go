package lbclient_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// C10: a client out of file descriptors ejected all its peers, so that it went on failing
// for up to a minute when there were descriptors again.
func TestNoDescriptorsBlamesNobody(t *testing.T) {
	_, c := newCluster(t, &strategy.RoundRobin{})
	var failures []error
	testenv.WithoutDescriptors(t, func() {
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // should a descriptor be free after all
			_, err := c.Version(ctx)
			cancel()
			failures = append(failures, err)
		}
	})
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
