package doctor

import (
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
	_ "github.com/pinfleet/pinfleet/transport/p2p" // for libp2p addresses
)

// TestLibp2p checks that endpoints with libp2p addresses are examined, with and without
// the key of their private network.
func TestLibp2p(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	c := clustertest.New(t, clustertest.Options{Listen: clustertest.Libp2p, PrivateNetworkKey: key})
	var cfgs, outside []*config.Config
	for _, p := range c.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr(), ProtectorKey: key})
		outside = append(outside, &config.Config{APIAddr: p.Addr()})
	}
	report, err := Run(t.Context(), cfgs, Options{})
	if err != nil || len(report.Findings) != 0 || report.Members != 3 {
		t.Errorf("%v: %+v", err, report)
	}
	report, err = Run(t.Context(), outside, Options{})
	if err != nil || len(report.Findings) != 3 {
		t.Fatalf("without the key: %v: %+v", err, report)
	}
	for _, f := range report.Findings {
		if f.ID != Unreachable {
			t.Errorf("without the key: %+v", f)
		}
	}
}
