package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestPinConstructors(t *testing.T) {
	c := mustCid(t, textCid)
	pin := PinCid(c)
	if !pin.Defined() || pin.Type != DataType || pin.MaxDepth != -1 || pin.Allocations == nil || pin.Reference != nil || time.Since(pin.Timestamp) > time.Hour {
		t.Errorf("PinCid = %+v", pin)
	}
	direct := PinWithOpts(c, PinOptions{Name: "n", Mode: PinModeDirect})
	if direct.MaxDepth != 0 || direct.Name != "n" || direct.Mode != PinModeDirect || !direct.Cid.Equals(c) {
		t.Errorf("PinWithOpts = %+v", direct)
	}
	if (Pin{}).Defined() {
		t.Error("the zero pin is defined")
	}
	if text := direct.String(); !strings.Contains(text, textCid) || !strings.Contains(text, "direct") || strings.Contains(text, "\n") {
		t.Errorf("text = %s", text)
	}
}

func TestPinPredicates(t *testing.T) {
	a, b := mustPeer(t, textPeer), mustPeer(t, textPeer2)
	pin := Pin{PinOptions: PinOptions{ReplicationFactorMin: 1, ReplicationFactorMax: 1}, Allocations: []peer.ID{a}}
	if pin.IsPinEverywhere() || pin.IsRemotePin(a) || !pin.IsRemotePin(b) {
		t.Error("an allocated pin")
	}
	pin.ReplicationFactorMin, pin.ReplicationFactorMax = -1, -1
	if !pin.IsPinEverywhere() || pin.IsRemotePin(b) {
		t.Error("a pin everywhere")
	}

	now := time.Now()
	for _, test := range []struct {
		at   time.Time
		want bool
	}{
		{time.Time{}, false},
		{time.Unix(0, 0), false},
		{now, false},
		{now.Add(-time.Nanosecond), true},
		{now.Add(time.Hour), false},
	} {
		pin.ExpireAt = test.at
		if got := pin.ExpiredAt(now); got != test.want {
			t.Errorf("expiry %v: expired %t", test.at, got)
		}
	}
	if (PinPath{}).Defined() || !(PinPath{Path: "/ipfs/x"}).Defined() {
		t.Error("PinPath.Defined")
	}
	if n := (&NodeWithMeta{Data: make([]byte, 7), CumSize: 99}); n.Size() != 7 {
		t.Error("NodeWithMeta.Size")
	}
}

func TestPinEquals(t *testing.T) {
	ref := mustCid(t, textCidV1)
	base := PinCid(mustCid(t, textCid))
	base.Allocations = []peer.ID{"a", "b"}
	base.Reference = &ref
	same := base
	refCopy := ref
	same.Allocations = []peer.ID{"b", "a"}
	same.Reference = &refCopy
	same.Timestamp = time.Time{}
	if !base.Equals(same) {
		t.Error("order, time or reference pointer made pins differ")
	}
	for name, change := range map[string]func(*Pin){
		"cid":         func(p *Pin) { p.Cid = ref },
		"type":        func(p *Pin) { p.Type = ShardType },
		"depth":       func(p *Pin) { p.MaxDepth = 1 },
		"allocations": func(p *Pin) { p.Allocations = nil },
		"reference":   func(p *Pin) { p.Reference = nil },
		"other ref":   func(p *Pin) { p.Reference = &p.Cid },
		"options":     func(p *Pin) { p.Name = "n" },
	} {
		changed := base
		change(&changed)
		if base.Equals(changed) || changed.Equals(base) {
			t.Errorf("a different %s is not seen", name)
		}
	}
}

// PinPath and AddParams embed PinOptions. Their other fields must decode, too.
func TestEmbeddedOptionsJSON(t *testing.T) {
	path := decode[PinPath](t, `{"name":"n","path":"/ipfs/x"}`)
	if path.Name != "n" || path.Path != "/ipfs/x" {
		t.Errorf("path = %+v", path)
	}
	want := DefaultAddParams()
	want.Name, want.Wrap = "n", true
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode[AddParams](t, string(text)); !got.Equals(*want) {
		t.Errorf("add parameters = %+v", got)
	}
}
