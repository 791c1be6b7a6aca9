package clustertest_test

import (
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

const someCid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

// expectAll checks that every peer reports the status want.
func expectAll(t *testing.T, c *caller, want api.TrackerStatus) {
	t.Helper()
	for name, got := range c.status(someCid) {
		if got != want {
			t.Errorf("%s says %s, want %s", name, got, want)
		}
	}
}

func TestPinGoesThroughItsStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{
			Listen: clustertest.Memory, QueueDelay: time.Second, PinDelay: time.Minute, UnpinDelay: time.Second,
		})
		call := newCaller(t, c.Peer(1))
		expectAll(t, call, api.TrackerStatusUnpinned)
		call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, someCid)
		expectAll(t, call, api.TrackerStatusPinQueued)
		time.Sleep(time.Second)
		expectAll(t, call, api.TrackerStatusPinning)
		if a := call.get("/pins?filter=pinned"); a.status != 204 {
			t.Errorf("pinned already: %s", a.body)
		}
		if all := decode[api.GlobalPinInfo](t, call.get("/pins?filter=pinning")); len(all) != 1 || len(all[0].PeerMap) != 3 {
			t.Errorf("pinning: %v", all)
		}
		time.Sleep(time.Minute)
		expectAll(t, call, api.TrackerStatusPinned)
		call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, someCid)
		expectAll(t, call, api.TrackerStatusPinned)

		call.call(http.MethodDelete, "/pins/"+someCid).expect(t, 200, someCid)
		expectAll(t, call, api.TrackerStatusUnpinned)
		local := one[api.GlobalPinInfo](t, call.get("/pins/"+someCid+"?local=true"))
		if got := local.PeerMap[c.Peer(1).ID().String()].Status; got != api.TrackerStatusUnpinning {
			t.Errorf("the peer itself says %s, want unpinning", got)
		}
		if all := decode[api.GlobalPinInfo](t, call.get("/pins?filter=unpinning")); len(all) != 1 {
			t.Errorf("unpinning: %v", all)
		}
		time.Sleep(time.Second)
		call.get("/pins?filter=unpinning").expect(t, 204, "")
	})
}

func TestIPFSDownMakesPinErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory, PinDelay: time.Minute})
		call := newCaller(t, c.Peer(0))
		call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, "")
		c.Peer(2).StopIPFS()
		time.Sleep(time.Hour)
		want := map[string]api.TrackerStatus{
			"peer0": api.TrackerStatusPinned, "peer1": api.TrackerStatusPinned, "peer2": api.TrackerStatusPinError,
		}
		if got := call.status(someCid); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		c.Peer(2).StartIPFS()
		recovered := decode[api.GlobalPinInfo](t, call.call(http.MethodPost, "/pins/recover"))
		if len(recovered) != 1 || len(recovered[0].PeerMap) != 1 {
			t.Fatalf("recovered %v", recovered)
		}
		if info := recovered[0].PeerMap[c.Peer(2).ID().String()]; info.Status != api.TrackerStatusPinQueued || !info.PriorityPin {
			t.Errorf("recovered %+v", info)
		}
		call.call(http.MethodPost, "/pins/recover").expect(t, 204, "")
		time.Sleep(time.Minute)
		expectAll(t, call, api.TrackerStatusPinned)
	})
}

func TestSetStatusUntilRecovered(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{})
	pins := c.Seed(2)
	if !c.SetStatus(pins[1], 1, api.TrackerStatusPinError, "disk full") {
		t.Fatal("the pin is not there")
	}
	call := newCaller(t, c.Peer(0))
	all := decode[api.GlobalPinInfo](t, call.get("/pins?filter=error"))
	if len(all) != 1 || all[0].PeerMap[c.Peer(1).ID().String()].Error != "disk full" || len(all[0].PeerMap) != 1 {
		t.Errorf("errors: %v", all)
	}
	call.call(http.MethodPost, "/pins/"+pins[1].String()+"/recover?local=true").expect(t, 200, `"pinned"`)
	if got := call.status(pins[1].String())["peer1"]; got != api.TrackerStatusPinError {
		t.Errorf("recovered by another peer: %s", got)
	}
	call.call(http.MethodPost, "/pins/"+pins[1].String()+"/recover")
	if got := call.status(pins[1].String())["peer1"]; got != api.TrackerStatusPinned {
		t.Errorf("after recovering: %s", got)
	}
	unknown, err := cid.Decode(someCid)
	if err != nil {
		t.Fatal(err)
	}
	if c.SetStatus(unknown, 0, api.TrackerStatusPinned, "") {
		t.Error("a status was set for a CID that is not in the pinset")
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory})
		call := newCaller(t, c.Peer(0))
		call.call(http.MethodPost, "/pins/"+someCid+"?expire-in=10m").expect(t, 200, "")
		c.Seed(1)
		time.Sleep(9 * time.Minute)
		if n := len(c.Pinset()); n != 2 {
			t.Fatalf("%d pins before the expiry", n)
		}
		time.Sleep(2 * time.Minute)
		if n := len(c.Pinset()); n != 1 {
			t.Fatalf("%d pins after the expiry", n)
		}
		call.call(http.MethodPost, "/pins/"+someCid+"?expire-at=1999-01-01T00:00:00Z").expect(t, 500, "pin.ExpireAt set before current time")
	})
}

func TestCrashedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Listen: clustertest.Memory, PinDelay: time.Minute})
		call := newCaller(t, c.Peer(0))
		c.Peer(2).Stop()
		call.call(http.MethodPost, "/pins/"+someCid).expect(t, 200, "")
		time.Sleep(time.Hour)
		if got := call.status(someCid)["peer2"]; got != api.TrackerStatusClusterError {
			t.Errorf("crashed peer is %s", got)
		}
		if n := len(one[[]api.Alert](t, call.get("/health/alerts"))); n != 1 {
			t.Errorf("%d alerts", n)
		}
		if n := len(one[[]api.Metric](t, call.get("/monitor/metrics/ping"))); n != 2 {
			t.Errorf("%d metrics", n)
		}
		if err := c.Peer(2).Start(); err != nil {
			t.Fatal(err)
		}
		if got := call.status(someCid)["peer2"]; got != api.TrackerStatusPinning {
			t.Errorf("restarted peer is %s", got)
		}
		time.Sleep(time.Minute)
		expectAll(t, call, api.TrackerStatusPinned)
		if n := len(one[[]api.Alert](t, call.get("/health/alerts"))); n != 1 {
			t.Errorf("%d alerts after the restart", n)
		}
	})
}

func TestAdvance(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{PinDelay: time.Hour})
	call := newCaller(t, c.Peer(0))
	call.call(http.MethodPost, "/pins/"+someCid)
	expectAll(t, call, api.TrackerStatusPinning)
	c.Advance(2 * time.Hour)
	expectAll(t, call, api.TrackerStatusPinned)
}
