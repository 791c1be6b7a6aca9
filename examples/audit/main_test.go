package main

import (
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program recovers a pin that an IPFS daemon has lost.
func Example() {
	cluster, err := clustertest.Start(clustertest.Options{})
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	lost := cluster.Seed(3)[1]
	cluster.SetStatus(lost, 2, api.TrackerStatusUnexpectedlyUnpinned, "")
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"audit", cluster.AddrList()}
	main()
	// Output:
	// bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu (seed-1): below minimum, errors; 2 of at least 3 peers hold it; peer2: unexpectedly_unpinned
	// bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu is pinned
}

// What cannot be repaired is counted, and does not keep the others from it.
func TestAuditCountsWhatIsLeft(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	lost := cluster.Seed(3)[:2]
	for _, ci := range lost {
		cluster.SetStatus(ci, 2, api.TrackerStatusUnexpectedlyUnpinned, "")
	}
	cluster.InjectAll(clustertest.Fault{
		Match:  func(r *http.Request) bool { return r.URL.Path == "/pins/"+lost[0].String()+"/recover" },
		Effect: clustertest.ErrorAnswer(400, "no"),
	})
	var out strings.Builder
	left, err := audit(t.Context(), cluster.AddrList(), log.New(&out, "", 0))
	if left != 1 || err != nil || !strings.Contains(out.String(), lost[1].String()+" is pinned") {
		t.Errorf("%d left, %v, %q", left, err, out.String())
	}
}

// What is right is not mentioned.
func TestAuditOfAHealthyCluster(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(10)
	var out strings.Builder
	left, err := audit(t.Context(), cluster.AddrList(), log.New(&out, "", 0))
	if left != 0 || err != nil || out.Len() > 0 {
		t.Errorf("%d left, %v, %q", left, err, out.String())
	}
}

func TestAuditReportsErrors(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	addrs := cluster.AddrList()
	cluster.Peer(0).Stop()
	for _, addrs := range []string{"/ip4/127.0.0.1", addrs} {
		if left, err := audit(t.Context(), addrs, log.New(&strings.Builder{}, "", 0)); err == nil {
			t.Errorf("audit(%q) = %d, want an error", addrs, left)
		}
	}
}
