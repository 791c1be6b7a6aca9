package api

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// infoOf returns the status of an item that is allocated to the peers whose letters are
// in allocated, from a list such as "A=pinned B=remote".
func infoOf(t *testing.T, allocated, statuses string) *GlobalPinInfo {
	t.Helper()
	ids := map[string]string{"A": textPeer, "B": textPeer2, "C": textPeer3}
	g := &GlobalPinInfo{Cid: mustCid(t, textCid), PeerMap: map[string]PinInfoShort{}}
	for letter := range strings.SplitSeq(allocated, "") {
		g.Allocations = append(g.Allocations, mustPeer(t, ids[letter]))
	}
	for field := range strings.FieldsSeq(statuses) {
		letter, status, _ := strings.Cut(field, "=")
		g.PeerMap[ids[letter]] = decode[PinInfoShort](t, `{"status":"`+status+`"}`)
	}
	return g
}

func TestClusterStatus(t *testing.T) {
	for _, test := range []struct {
		allocated, statuses string
		want                ClusterStatus
		holders             int
	}{
		{"", "", ClusterStatusUnknown, 0},
		{"", "A=pinned B=pinned C=pinned", ClusterStatusPinned, 3},
		{"AB", "A=pinned B=pinned C=remote", ClusterStatusPinned, 2},
		{"", "A=pinned B=remote", ClusterStatusPinned, 1},
		// U29: a program that skips remote peers must not take nothing for everything.
		{"", "A=remote B=remote", ClusterStatusUnknown, 0},
		{"AB", "C=remote", ClusterStatusUnknown, 0},
		// A peer that could not be asked is no failure, and no proof either.
		{"", "A=cluster_error B=pinned C=pinned", ClusterStatusPartly, 2},
		{"AB", "A=pinned B=pinned C=cluster_error", ClusterStatusPinned, 2},
		{"", "A=cluster_error B=pinning", ClusterStatusPinning, 0},
		{"", "A=cluster_error B=pin_queued", ClusterStatusQueued, 0},
		{"", "A=cluster_error B=unpinned", ClusterStatusUnpinned, 0},
		{"", "A=cluster_error B=cluster_error", ClusterStatusUnknown, 0},
		{"AB", "A=cluster_error B=undefined C=remote", ClusterStatusUnknown, 0},
		// What a newer server reports is not known to be anything.
		{"", "A=pinned B=warming", ClusterStatusPartly, 1},
		{"", "A=warming", ClusterStatusUnknown, 0},
		// A filtered status lists some of the allocated peers only.
		{"AB", "A=pinned", ClusterStatusPartly, 1},
		{"AB", "A=pinned B=pinned", ClusterStatusPinned, 2},
		// The best status of any peer counts, if not all hold the item.
		{"", "A=pinned B=pinning C=pin_queued", ClusterStatusPartly, 1},
		{"", "A=pinned B=pin_error", ClusterStatusPartly, 1},
		{"", "A=pinned B=unexpectedly_unpinned", ClusterStatusPartly, 1},
		{"", "A=pinned B=unpinned", ClusterStatusPartly, 1},
		{"", "A=pinned B=sharded", ClusterStatusPartly, 1},
		{"", "A=pinning B=pin_queued C=pin_error", ClusterStatusPinning, 0},
		{"", "A=pin_queued B=pin_error", ClusterStatusQueued, 0},
		{"", "A=pin_error B=cluster_error", ClusterStatusFailed, 0},
		{"AB", "A=unexpectedly_unpinned B=unpinned C=remote", ClusterStatusFailed, 0},
		{"", "A=unpin_error B=unpinned", ClusterStatusFailed, 0},
		{"", "A=unpinned B=unpinning C=unpin_queued", ClusterStatusUnpinned, 0},
		{"", "A=sharded B=sharded", ClusterStatusUnknown, 0},
	} {
		g := infoOf(t, test.allocated, test.statuses)
		if got := g.ClusterStatus(); got != test.want {
			t.Errorf("allocated to %q, %s: %s, want %s", test.allocated, test.statuses, got, test.want)
		}
		for least := -1; least <= 4; least++ {
			want := test.holders >= least
			if least <= 0 {
				want = test.want == ClusterStatusPinned
			}
			if got := g.Pinned(least); got != want {
				t.Errorf("allocated to %q, %s: Pinned(%d) = %t", test.allocated, test.statuses, least, got)
			}
		}
	}
}

// The items of a real cluster. status-all has an item that every daemon has lost, and a
// sharded one. In degraded clusters, one of three peers cannot be asked.
func TestClusterStatusOfGoldenItems(t *testing.T) {
	got := map[string]map[ClusterStatus]int{}
	for _, doc := range goldenDocuments(t) {
		if doc.Type != "GlobalPinInfo" {
			continue
		}
		if got[doc.Case] == nil {
			got[doc.Case] = map[ClusterStatus]int{}
		}
		g := decode[GlobalPinInfo](t, doc.Body)
		status := g.ClusterStatus()
		got[doc.Case][status]++
		for _, n := range []int{1, 2, 3} {
			if g.Pinned(n) && status != ClusterStatusPinned && status != ClusterStatusPartly {
				t.Errorf("%s: %s, and pinned at %d peers", doc.Case, status, n)
			}
		}
	}
	for name, want := range map[string]map[ClusterStatus]int{
		"status":               {ClusterStatusPinned: 1},
		"status-local":         {ClusterStatusPinned: 1},
		"status-unknown":       {ClusterStatusUnpinned: 1},
		"status-all":           {ClusterStatusPinned: 39, ClusterStatusFailed: 1, ClusterStatusUnknown: 1},
		"status-all-local":     {ClusterStatusPinned: 38, ClusterStatusPartly: 1, ClusterStatusFailed: 1, ClusterStatusUnknown: 1},
		"status-filter-pinned": {ClusterStatusPinned: 1},
		"recover-unknown":      {ClusterStatusUnpinned: 1},
		"recover-all":          {ClusterStatusQueued: 1},
		"ipfs-down-status":     {ClusterStatusPartly: 1},
		"peer-down-status":     {ClusterStatusPartly: 1},
		"peer-down-recover":    {ClusterStatusPartly: 1},
	} {
		if !maps.Equal(got[name], want) {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("not compared: %v", got)
	}
}

func TestClusterStatusText(t *testing.T) {
	for s := ClusterStatusUnknown; s <= ClusterStatusUnpinned; s++ {
		text, err := json.Marshal(map[ClusterStatus]int{s: 1})
		if err != nil || string(text) != `{"`+s.String()+`":1}` {
			t.Errorf("%d is encoded as %s, error %v", s, text, err)
		}
		back := decode[map[ClusterStatus]int](t, string(text))
		if back[s] != 1 {
			t.Errorf("%s was decoded to %v", text, back)
		}
	}
	if got := (ClusterStatusUnpinned + 1).String() + ClusterStatus(-1).String(); got != "unknownunknown" {
		t.Errorf("numbers without a word are %s", got)
	}
	if err := new(ClusterStatus).UnmarshalText([]byte("Pinned")); err == nil {
		t.Error("a word in another case is accepted")
	}
}
