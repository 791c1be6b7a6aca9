package api

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// storedGen draws a pin that the stored form holds completely.
func storedGen(t *rapid.T) Pin {
	o := pinOptionsGen(t)
	o.ReplicationFactorMin = int(rapid.Int32().Draw(t, "stored min"))
	o.ReplicationFactorMax = int(rapid.Int32().Draw(t, "stored max"))
	o.UserAllocations = nil
	if !o.ExpireAt.IsZero() {
		o.ExpireAt = o.ExpireAt.Truncate(time.Second)
	}
	c, _ := DecodeCid(textCid)
	pin := PinWithOpts(c, o)
	pin.Type = rapid.SampledFrom(protoPinTypes).Draw(t, "type")
	pin.Timestamp = time.Unix(rapid.Int64Range(1, endSecond-1).Draw(t, "timestamp"), 0)
	for range rapid.IntRange(0, 3).Draw(t, "allocations") {
		pin.Allocations = append(pin.Allocations, StringsToPeers([]string{textPeer})...)
	}
	if rapid.Bool().Draw(t, "reference") {
		ref, _ := DecodeCid(textCidV1)
		pin.Reference = &ref
	}
	return pin
}

func TestPinProtoRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := storedGen(t)
		stored, err := want.ProtoMarshal()
		if err != nil {
			t.Fatal(err)
		}
		var got Pin
		if err := got.ProtoUnmarshal(stored); err != nil {
			t.Fatal(err)
		}
		if !got.Equals(want) || !got.PinUpdate.Equals(want.PinUpdate) || !got.Timestamp.Equal(want.Timestamp) {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

// The expected bytes were written by hand from the message definition.
func TestPinProtoBytes(t *testing.T) {
	c := mustCid(t, "bafkqablimvwgy3y")
	pin := Pin{
		PinOptions: PinOptions{
			ReplicationFactorMin: -1,
			ReplicationFactorMax: 2,
			Name:                 "n",
			ShardSize:            300,
			Metadata:             map[string]string{"b": "2", "a": ""},
			PinUpdate:            c,
			ExpireAt:             time.Unix(1, 999),
			Origins:              []Multiaddr{"/tcp/1"},
		},
		Cid:         c,
		Type:        ShardType,
		Allocations: []peer.ID{"\x00\x01a"},
		MaxDepth:    1,
		Reference:   &c,
		Timestamp:   time.Unix(2, 0),
	}
	raw := hex.EncodeToString(c.Bytes())
	const n = "09" // length of the CID in bytes
	options := "0801" + "1004" + "1a016e" + "20ac02" + "3a" + n + raw + "4001" + "4a03060001" + "52030a0161" + "52060a0162120132"
	want := "0a" + n + raw + "1004" + "1a03000161" + "2002" + "2a" + n + raw +
		"32" + hex.EncodeToString([]byte{byte(len(options) / 2)}) + options + "3802"
	got, err := pin.ProtoMarshal()
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(got) != want {
		t.Errorf(" got %x\nwant %s", got, want)
	}
	if empty, err := (Pin{}).ProtoMarshal(); err != nil || hex.EncodeToString(empty) != "3200" {
		t.Errorf("zero pin = %x, %v", empty, err)
	}
}

func TestPinProtoShapes(t *testing.T) {
	var pin Pin
	if err := pin.ProtoUnmarshal(nil); err != nil {
		t.Fatal(err)
	}
	if pin.Type != BadType || pin.Allocations == nil || pin.Origins == nil || pin.Metadata != nil || pin.Reference != nil || !pin.ExpireAt.IsZero() || pin.Mode != PinModeDirect {
		t.Errorf("empty message = %+v", pin)
	}
	// The metadata map of older peers, an unknown type, and fields of newer peers.
	entry := []byte("\x0a\x01k\x12\x01v")
	options := protowire.AppendBytes(protowire.AppendTag(nil, fieldMetadataMap, protowire.BytesType), entry)
	stored := protowire.AppendBytes(protowire.AppendTag(nil, fieldOptions, protowire.BytesType), options)
	stored = protowire.AppendVarint(protowire.AppendTag(stored, fieldType, protowire.VarintType), 77)
	stored = protowire.AppendFixed64(protowire.AppendTag(stored, 99, protowire.Fixed64Type), 1)
	stored = protowire.AppendVarint(protowire.AppendTag(stored, 98, protowire.VarintType), 1)
	stored = protowire.AppendBytes(protowire.AppendTag(stored, 97, protowire.BytesType), entry)
	if err := pin.ProtoUnmarshal(stored); err != nil {
		t.Fatal(err)
	}
	if pin.Metadata["k"] != "v" || pin.Type != BadType {
		t.Errorf("pin = %+v", pin)
	}
}

func TestPinProtoErrors(t *testing.T) {
	changes := map[string]func(*Pin){
		"is not UTF-8":                  func(p *Pin) { p.Name = "\xff" },
		`text "\xfe" is not UTF-8`:      func(p *Pin) { p.Metadata = map[string]string{"k": "\xfe"} },
		"is outside the years 0 to":     func(p *Pin) { p.ExpireAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"time -0001-01-01 00:00:00 ":    func(p *Pin) { p.Timestamp = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
		`origin "nope" is not a multia`: func(p *Pin) { p.Origins = []Multiaddr{"nope"} },
	}
	if lowest, highest := math.MinInt32, math.MaxInt32; math.MaxInt > highest { // where an int has 64 bits
		changes["has more than 32 bits"] = func(p *Pin) { p.ReplicationFactorMax = highest + 1 }
		changes["-2147483649 has more"] = func(p *Pin) { p.MaxDepth = PinDepth(lowest - 1) }
	}
	for want, change := range changes {
		pin := PinCid(mustCid(t, textCid))
		change(&pin)
		if stored, err := pin.ProtoMarshal(); err == nil || !strings.Contains(err.Error(), want) || stored != nil {
			t.Errorf("%x, %v, want %q", stored, err, want)
		}
	}
	for name, stored := range map[string]string{
		"cut tag":         "\xff",
		"cut bytes":       "\x0a\x05a",
		"cut number":      "\x10\x80",
		"bad CID":         "\x0a\x01a",
		"long peer ID":    "\x1a\x81\x01" + strings.Repeat("a", maxPeerBytes+1),
		"bad reference":   "\x2a\x01a",
		"bad options":     "\x32\x02\x1a\x05",
		"bad name":        "\x32\x03\x1a\x01\xff",
		"bad origin":      "\x32\x04\x4a\x02\xff\xff",
		"bad update":      "\x32\x03\x3a\x01a",
		"bad metadata":    "\x32\x05\x52\x03\x0a\x01\xff",
		"time far future": "\x38\xff\xff\xff\xff\xff\xff\xff\x7f",
		"group never end": "\x0b",
	} {
		pin := Pin{MaxDepth: 7}
		if err := pin.ProtoUnmarshal([]byte(stored)); err == nil {
			t.Errorf("%s: decoded to %+v", name, pin)
		}
		if pin.MaxDepth != 7 {
			t.Errorf("%s: a failed decoding changed the pin", name)
		}
	}
}

func FuzzPinProtoUnmarshal(f *testing.F) {
	seed := PinWithOpts(mustCid(f, textCid), PinOptions{Name: "n", Metadata: map[string]string{"a": "b"}, Origins: []Multiaddr{"/ip4/1.2.3.4/p2p/" + textPeer}, ExpireAt: time.Unix(5, 0)})
	stored, err := seed.ProtoMarshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Add([]byte("\x32\x03\x1a\x01n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var pin, again Pin
		if pin.ProtoUnmarshal(b) != nil {
			return
		}
		stored, err := pin.ProtoMarshal()
		if err != nil {
			t.Fatalf("%+v cannot be stored again: %v", pin, err)
		}
		if err := again.ProtoUnmarshal(stored); err != nil {
			t.Fatalf("%x cannot be read again: %v", stored, err)
		}
		if !again.Equals(pin) || !again.Timestamp.Equal(pin.Timestamp) || !again.PinUpdate.Equals(pin.PinUpdate) {
			t.Fatalf("\n got %+v\nwant %+v", again, pin)
		}
	})
}
