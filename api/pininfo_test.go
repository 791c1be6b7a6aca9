package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestGlobalPinInfoAdd(t *testing.T) {
	c := mustCid(t, textCid)
	created := time.Unix(1000, 0)
	info := func(name string, pid peer.ID, at time.Time, status TrackerStatus) PinInfo {
		return PinInfo{Cid: c, Name: name, Peer: pid, Created: at, PinInfoShort: PinInfoShort{Status: status}}
	}
	var g GlobalPinInfo
	if g.Defined() || g.Match(TrackerStatusUndefined) {
		t.Error("the zero value is defined")
	}
	g.Add(PinInfo{Peer: mustPeer(t, textPeer3), PinInfoShort: PinInfoShort{Status: TrackerStatusClusterError}})
	g.Add(info("old", mustPeer(t, textPeer), created, TrackerStatusPinned))
	g.Add(info("older", mustPeer(t, textPeer2), created.Add(-time.Hour), TrackerStatusPinning))
	if g.Name != "old" || !g.Defined() || len(g.PeerMap) != 3 || g.PeerMap[textPeer2].Status != TrackerStatusPinning {
		t.Errorf("global = %+v", g)
	}
	g.Add(info("new", mustPeer(t, textPeer2), created.Add(time.Hour), TrackerStatusRemote))
	if g.Name != "new" || len(g.PeerMap) != 3 || g.PeerMap[textPeer2].Status != TrackerStatusRemote {
		t.Errorf("global = %+v", g)
	}
	for filter, want := range map[TrackerStatus]bool{
		TrackerStatusUndefined:                      true,
		TrackerStatusError:                          true,
		TrackerStatusPinned:                         true,
		TrackerStatusPinning | TrackerStatusSharded: false,
	} {
		if got := g.Match(filter); got != want {
			t.Errorf("matches %s: %t", filter, got)
		}
	}
	if text := g.String(); !strings.Contains(text, textCid) || !strings.Contains(text, "remote:1") {
		t.Errorf("text = %s", text)
	}
}

func TestPinInfo(t *testing.T) {
	text := `{"cid":"` + textCid + `","name":"n","peer":"` + textPeer + `","allocations":["` + textPeer + `"],"origins":null,"created":"2026-05-11T10:11:12Z","metadata":null,"peername":"p","status":"pinned","timestamp":"2026-05-11T10:11:12Z","error":"","attempt_count":3,"priority_pin":true}`
	info := decode[PinInfo](t, text)
	if got, err := json.Marshal(info); err != nil || string(got) != text {
		t.Errorf(" got %s, %v\nwant %s", got, err, text)
	}
	global := info.ToGlobal()
	if !info.Defined() || !global.Cid.Equals(info.Cid) || global.PeerMap[textPeer].AttemptCount != 3 || len(global.Allocations) != 1 {
		t.Errorf("global = %+v", global)
	}
	if line := info.String(); !strings.Contains(line, textCid) || !strings.Contains(line, "pinned") {
		t.Errorf("text = %s", line)
	}
}
