package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A name server that fails or is silent does not make a host unreachable whose addresses
// are known. The answer that the name does not exist does.
func TestKnownAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k knownAddresses
		one, two := []netip.Addr{netip.MustParseAddr("10.0.0.1")}, []netip.Addr{netip.MustParseAddr("10.0.0.2")}
		gives := func(ips []netip.Addr, err error) func(context.Context) ([]netip.Addr, error) {
			return func(context.Context) ([]netip.Addr, error) { return ips, err }
		}
		silent := func(ctx context.Context) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		failed := &net.DNSError{Err: "server misbehaving", IsTemporary: true}
		gone := &net.DNSError{Err: "no such host", IsNotFound: true}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for i, step := range []struct {
			ctx  context.Context
			host string
			do   func(context.Context) ([]netip.Addr, error)
			want []netip.Addr
			err  error
			took time.Duration
		}{
			{t.Context(), "a", gives(nil, failed), nil, failed, 0}, // nothing is known yet
			{t.Context(), "a", gives(one, nil), one, nil, 0},
			{t.Context(), "a", gives(nil, failed), one, nil, 0},
			{t.Context(), "a", silent, one, nil, lookupPatience},
			{t.Context(), "b", gives(nil, failed), nil, failed, 0}, // another host
			{cancelled, "a", silent, nil, context.Canceled, 0},
			{t.Context(), "a", gives(nil, gone), nil, gone, 0},
			{t.Context(), "a", gives(two, nil), two, nil, 0},
			{t.Context(), "a", gives(nil, failed), two, nil, 0},
		} {
			began := time.Now()
			got, err := k.lookup(step.ctx, step.host, step.do)
			if !slices.Equal(got, step.want) || !errors.Is(err, step.err) || time.Since(began) != step.took {
				t.Errorf("step %d: got %v, %v after %v", i, got, err, time.Since(began))
			}
		}
	})
}
