package api

import (
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// U26: upstream compared metadata in one direction and ignored extra keys on the right.
func TestU26PinOptionsEqualsBothWays(t *testing.T) {
	small := PinOptions{Metadata: map[string]string{"a": "1"}}
	large := PinOptions{Metadata: map[string]string{"a": "1", "b": "2"}}
	if small.Equals(large) || large.Equals(small) {
		t.Error("options with different metadata are equal")
	}
	empty := PinOptions{Metadata: map[string]string{"a": ""}}
	other := PinOptions{Metadata: map[string]string{"b": ""}}
	if empty.Equals(other) {
		t.Error("an empty value equals a missing key")
	}
	if !(PinOptions{}).Equals(PinOptions{Metadata: map[string]string{}}) {
		t.Error("nil and empty metadata differ")
	}
}

func TestPinOptionsEquals(t *testing.T) {
	base := PinOptions{
		Name:            "n",
		UserAllocations: []peer.ID{"a", "b"},
		Origins:         []Multiaddr{"/x", "/y"},
		ExpireAt:        time.Unix(5, 0),
		PinUpdate:       mustCid(t, textCid),
	}
	same := base
	same.UserAllocations = []peer.ID{"b", "a"}
	same.Origins = []Multiaddr{"/y", "/x"}
	same.ExpireAt = time.Unix(5, 0).UTC()
	same.PinUpdate = CidUndef
	if !base.Equals(same) {
		t.Error("order, time zone or PinUpdate made options differ")
	}
	for name, change := range map[string]func(*PinOptions){
		"name":        func(o *PinOptions) { o.Name = "m" },
		"mode":        func(o *PinOptions) { o.Mode = PinModeDirect },
		"min":         func(o *PinOptions) { o.ReplicationFactorMin = 1 },
		"max":         func(o *PinOptions) { o.ReplicationFactorMax = 1 },
		"shard size":  func(o *PinOptions) { o.ShardSize = 1 },
		"expiry":      func(o *PinOptions) { o.ExpireAt = time.Unix(6, 0) },
		"allocations": func(o *PinOptions) { o.UserAllocations = []peer.ID{"a", "a"} },
		"fewer":       func(o *PinOptions) { o.UserAllocations = []peer.ID{"a"} },
		"origins":     func(o *PinOptions) { o.Origins = []Multiaddr{"/x", "/z"} },
		"metadata":    func(o *PinOptions) { o.Metadata = map[string]string{"k": "v"} },
	} {
		changed := base
		change(&changed)
		if base.Equals(changed) || changed.Equals(base) {
			t.Errorf("a different %s is not seen", name)
		}
	}
}

func TestPinOptionsValidate(t *testing.T) {
	origin := Multiaddr("/ip4/1.2.3.4/tcp/1/p2p/" + textPeer)
	for name, o := range map[string]PinOptions{
		"zero":                     {},
		"everywhere":               {ReplicationFactorMin: -1, ReplicationFactorMax: -1},
		"counts":                   {ReplicationFactorMin: 2, ReplicationFactorMax: 3},
		"default minimum":          {ReplicationFactorMax: 3},
		"default maximum":          {ReplicationFactorMin: 3},
		"-1 and default":           {ReplicationFactorMin: -1},
		"direct with all the rest": {Mode: PinModeDirect, UserAllocations: []peer.ID{mustPeer(t, textPeer3)}, Origins: []Multiaddr{origin}, ExpireAt: time.Now()},
	} {
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, o := range map[string]PinOptions{
		"the minimum must not be larger":  {ReplicationFactorMin: 3, ReplicationFactorMax: 2},
		"both must be -1":                 {ReplicationFactorMin: -1, ReplicationFactorMax: 2},
		"both must be -1 when one is":     {ReplicationFactorMin: 2, ReplicationFactorMax: -1},
		"use -1 for every peer":           {ReplicationFactorMin: -2, ReplicationFactorMax: -2},
		"use -1 for every peer, 0 for":    {ReplicationFactorMax: -7},
		"unknown pin mode 7":              {Mode: 7},
		"is not a peer ID":                {UserAllocations: []peer.ID{"nope"}},
		"user allocation \"\" is not":     {UserAllocations: []peer.ID{""}},
		"expiry time cannot be sent":      {ExpireAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"has no peer ID: append /p2p/":    {Origins: []Multiaddr{"/ip4/1.2.3.4/tcp/1"}},
		"is not a multiaddress":           {Origins: []Multiaddr{"nope"}},
		"contains a comma, which":         {Origins: []Multiaddr{origin + "," + origin}},
		`origin "" is not a multiaddress`: {Origins: []Multiaddr{""}},
	} {
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
	all := PinOptions{ReplicationFactorMin: -9, Mode: 9, UserAllocations: []peer.ID{"", "x"}, Origins: []Multiaddr{"", "/ip4/1.2.3.4"}}
	if got := strings.Count(all.Validate().Error(), "\n") + 1; got != 6 {
		t.Errorf("%d problems reported, want all 6: %v", got, all.Validate())
	}
}
