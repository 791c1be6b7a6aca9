package pinset_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// allocated pins testPin(i) at two of three peers, by index.
func allocated(cluster *clustertest.Cluster, i int, peers ...int) *api.Pin {
	pin := testPin(i)
	pin.ReplicationFactorMin, pin.ReplicationFactorMax = 2, 2
	pin.Allocations = nil
	for _, p := range peers {
		pin.Allocations = append(pin.Allocations, cluster.Peer(p).ID())
	}
	cluster.SeedPin(*pin)
	return pin
}

// TestAudit has a pin for each thing that can be wrong, and those that are fine.
func TestAudit(t *testing.T) {
	now := time.Now()
	cluster := clustertest.New(t, clustertest.Options{Now: func() time.Time { return now.Add(-time.Hour) }})
	c := balanced(t, cluster)
	cluster.Seed(50) // on every peer
	allocated(cluster, 0, 0, 1)
	allocated(cluster, 1, 0, 1)
	cluster.SetStatus(testCid(1).Cid, 0, api.TrackerStatusPinError, "no such block")
	everywhere := testPin(2)
	everywhere.ReplicationFactorMin, everywhere.ReplicationFactorMax = -1, -1
	cluster.SeedPin(*everywhere)
	cluster.SetStatus(testCid(2).Cid, 1, api.TrackerStatusUnexpectedlyUnpinned, "lost")
	gone := allocated(cluster, 3, 0, 1)
	gone.Allocations = append(gone.Allocations, "gone")
	cluster.SeedPin(*gone)
	expired := allocated(cluster, 4, 1, 2)
	expired.ExpireAt = now.Add(-time.Minute) // for the cluster's clock, it has not expired
	cluster.SeedPin(*expired)
	direct := allocated(cluster, 5, 1, 2)
	direct.MaxDepth, direct.Mode = 0, api.PinModeDirect
	cluster.SeedPin(*direct)
	meta := testPin(6)
	meta.Type = api.MetaType
	cluster.SeedPin(*meta)
	spare := allocated(cluster, 7, 0, 1, 2)
	cluster.SetStatus(spare.Cid.Cid, 2, api.TrackerStatusPinError, "full")

	findings, errs := collect(pinset.Audit(t.Context(), c))
	got := map[string]string{}
	for _, f := range findings {
		got[f.Info.Name] = fmt.Sprintf("%s: %d of %d", f.Reasons, f.Pinned, f.Need)
	}
	want := map[string]string{
		"pin 1": "below minimum, errors: 1 of 2",
		"pin 2": "below minimum, errors: 2 of 3",
		"pin 3": "peers gone: 2 of 2",
		"pin 4": "expired: 2 of 2",
		"pin 7": "errors: 2 of 2",
	}
	if len(errs) > 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("findings %v\nwant     %v\nerrors %v", got, want, errs)
	}
}

func TestFindingString(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	pin := allocated(cluster, 0, 0, 1)
	pin.Allocations = append(pin.Allocations, "x")
	cluster.SeedPin(*pin)
	cluster.SetStatus(pin.Cid.Cid, 1, api.TrackerStatusPinError, "no\nblock")
	findings, errs := collect(pinset.Audit(t.Context(), balanced(t, cluster)))
	if len(findings) != 1 || len(errs) > 0 {
		t.Fatalf("findings %v, errors %v", findings, errs)
	}
	want := testCid(0).String() + " (pin 0): below minimum, errors, peers gone; 1 of at least 2 peers hold it; peer1: pin_error (no block); " +
		peer.ID("x").String() + " is gone"
	if got := findings[0].String(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := (&pinset.Finding{Reasons: pinset.Expired}).String(); got != "expired" {
		t.Errorf("a finding without a status: %q", got)
	}
}

// A peer that cannot be asked is a finding only where the minimum is not known to be
// reached.
func TestAuditWhileAPeerIsDown(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	allocated(cluster, 0, 0, 2)
	allocated(cluster, 1, 0, 1)
	allocated(cluster, 2, 0, 1, 2)
	cluster.Peer(2).Stop()
	findings, errs := collect(pinset.Audit(t.Context(), balanced(t, cluster)))
	if len(errs) > 0 || len(findings) != 1 || findings[0].Info.Name != "pin 0" || findings[0].Reasons != pinset.BelowMinimum {
		t.Errorf("findings %v, errors %v", findings, errs)
	}
}

// silentPeer is a client whose listings of statuses lack one peer, as those of a real cluster
// do while that peer has not heard of a pin.
type silentPeer struct {
	client.Client
	id string
}

func (s silentPeer) StatusAll(ctx context.Context, filter api.TrackerStatus, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		for info, err := range s.Client.StatusAll(ctx, filter, local) {
			if info != nil {
				delete(info.PeerMap, s.id)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// A pin for every peer is not everywhere while a member says nothing about it.
func TestAuditOfAPinThatAPeerHasNotHeardOf(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(1)
	allocated(cluster, 0, 1, 2)
	c := silentPeer{balanced(t, cluster), cluster.Peer(0).ID().String()}
	findings, errs := collect(pinset.Audit(t.Context(), c))
	if len(errs) > 0 || len(findings) != 1 || findings[0].Info.Name != "seed-0" || findings[0].Pinned != 2 || findings[0].Need != 3 {
		t.Errorf("findings %v, errors %v", findings, errs)
	}
}

// Repair recovers what failed, allocates anew what is allocated to peers that are gone, and
// waits. An Audit finds nothing after it.
func TestRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, c, end, err := overMemory(clustertest.Options{QueueDelay: time.Minute, PinDelay: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		for i := range 20 {
			allocated(cluster, i, 0, 1)
			if i%2 == 0 {
				cluster.SetStatus(testCid(i).Cid, 1, api.TrackerStatusPinError, "no such block")
			}
		}
		gone := allocated(cluster, 20, 0)
		gone.Allocations = append(gone.Allocations, "gone")
		gone.Metadata = map[string]string{"k": "v"}
		cluster.SeedPin(*gone)
		began := time.Now()
		infos, errs := collect(pinset.Repair(t.Context(), c, pinset.Audit(t.Context(), c)))
		if len(infos) != 11 || len(errs) > 0 {
			t.Errorf("%d mended, errors %v", len(infos), errs)
		}
		for _, info := range infos {
			if !info.Pinned(2) {
				t.Errorf("%s", info)
			}
		}
		if took := time.Since(began); took < 2*time.Minute || took > 5*time.Minute {
			t.Errorf("it took %s, want little more than a pin", took)
		}
		if findings, errs := collect(pinset.Audit(t.Context(), c)); len(findings)+len(errs) > 0 {
			t.Errorf("findings %v, errors %v", findings, errs)
		}
		pin, err := c.Allocation(t.Context(), testCid(20).Cid)
		if err != nil || slices.Contains(pin.Allocations, "gone") || len(pin.Allocations) != 2 || pin.Metadata["k"] != "v" {
			t.Errorf("%v, %v", pin, err)
		}
	})
}

// What cannot be mended is an error of the item.
func TestRepairFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster, c, end, err := overMemory(clustertest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		cluster.Peer(1).StopIPFS()
		for i := range 3 {
			allocated(cluster, i, 0, 1)
			cluster.SetStatus(testCid(i).Cid, 1, api.TrackerStatusPinError, "broken")
		}
		info := &api.GlobalPinInfo{Cid: testCid(0)}
		findings := func(yield func(*pinset.Finding, error) bool) {
			for i := range 3 {
				f := &pinset.Finding{Info: &api.GlobalPinInfo{Cid: testCid(i)}, Reasons: pinset.PeerErrors, Need: 2}
				if !yield(f, nil) {
					return
				}
			}
			_ = yield(&pinset.Finding{Info: info, Reasons: pinset.Expired}, nil) && yield(&pinset.Finding{}, nil)
		}
		infos, errs := collect(pinset.Repair(t.Context(), c, findings))
		if len(infos) != 1 || infos[0] != info || len(errs) != 4 {
			t.Fatalf("%v mended, errors %v", infos, errs)
		}
		status, invalid := 0, 0
		for _, err := range errs {
			var item *pinset.ItemError
			if !errors.As(err, &item) {
				t.Errorf("%v", err)
			}
			if errors.Is(err, client.ErrStatus) {
				status++
			}
			if errors.Is(err, client.ErrInvalid) {
				invalid++
			}
		}
		if status != 3 || invalid != 1 {
			t.Errorf("errors %v", errs)
		}
	})
}

func TestSummary(t *testing.T) {
	created := time.Now()
	cluster := clustertest.New(t, clustertest.Options{Peers: 2, PinDelay: time.Hour})
	c := balanced(t, cluster)
	for i, age := range []time.Duration{0, time.Minute, 2 * time.Hour, 400 * 24 * time.Hour} {
		pin := testPin(i)
		pin.ReplicationFactorMin, pin.ReplicationFactorMax = -1, -1
		pin.Timestamp = created.Add(-age)
		cluster.SeedPin(*pin)
	}
	cluster.SetStatus(testCid(2).Cid, 0, api.TrackerStatusPinError, "x")
	collect(pinset.Pin(t.Context(), c, source(testPin(4))))
	s, err := pinset.Summarize(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `5 items: 3 pinned, 1 partly, 1 pinning

peer   pin_error  pinned  pinning
peer0  1          3       1
peer1  0          4       1

age           items  pinned
under 1 hour  3      2
under 1 day   1      0
over 1 year   1      1
`
	lines := strings.Split(s.String(), "\n")
	slices.Sort(lines[3:5]) // the order of the peers is that of their IDs
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := (&pinset.Summary{}).String(); got != "0 items\n" {
		t.Errorf("an empty summary is %q", got)
	}
}

// Errors of listings end an Audit and a Summary.
func TestListingsFail(t *testing.T) {
	for _, route := range []string{"GET /peers", "GET /allocations", "GET /pins"} {
		cluster := clustertest.New(t, clustertest.Options{})
		cluster.Seed(10)
		c := balanced(t, cluster)
		cluster.InjectAll(clustertest.Fault{Route: route, Effect: clustertest.ErrorAnswer(http.StatusInternalServerError, "broken")})
		if findings, errs := collect(pinset.Audit(t.Context(), c)); len(findings) > 0 || len(errs) != 1 {
			t.Errorf("%s: findings %v, errors %v", route, findings, errs)
		}
		if s, err := pinset.Summarize(t.Context(), c); (err != nil) != (route == "GET /pins") {
			t.Errorf("%s: summary %v, error %v", route, s, err)
		}
	}
}
