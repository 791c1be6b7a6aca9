package api

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ipfs/boxo/verifcid"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"pgregory.net/rapid"
)

func TestDefaultAddParams(t *testing.T) {
	p := DefaultAddParams()
	if p.ShardSize != 104857600 || !p.StreamChannels || p.Format != "unixfs" || p.Chunker != "size-262144" || p.HashFun != "sha2-256" || p.Metadata == nil {
		t.Errorf("defaults = %+v", p)
	}
	p.Metadata["k"] = "v"
	if len(DefaultAddParams().Metadata) != 0 {
		t.Error("default parameters are shared")
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if err := (AddParams{}).Validate(); err != nil {
		t.Errorf("zero value: %v", err)
	}
}

// U26: upstream's Equals ignored Progress.
func TestU26AddParamsEquals(t *testing.T) {
	base := DefaultAddParams()
	if !base.Equals(*DefaultAddParams()) {
		t.Error("equal parameters differ")
	}
	for name, change := range map[string]func(*AddParams){
		"Progress":       func(p *AddParams) { p.Progress = true },
		"pin options":    func(p *AddParams) { p.Name = "n" },
		"Layout":         func(p *AddParams) { p.Layout = "trickle" },
		"Chunker":        func(p *AddParams) { p.Chunker = "rabin" },
		"RawLeaves":      func(p *AddParams) { p.RawLeaves = true },
		"NoRawLeaves":    func(p *AddParams) { p.NoRawLeaves = true },
		"CidVersion":     func(p *AddParams) { p.CidVersion = 1 },
		"HashFun":        func(p *AddParams) { p.HashFun = "blake3" },
		"NoCopy":         func(p *AddParams) { p.NoCopy = true },
		"Local":          func(p *AddParams) { p.Local = true },
		"Recursive":      func(p *AddParams) { p.Recursive = false },
		"Hidden":         func(p *AddParams) { p.Hidden = true },
		"Wrap":           func(p *AddParams) { p.Wrap = true },
		"Shard":          func(p *AddParams) { p.Shard = true },
		"StreamChannels": func(p *AddParams) { p.StreamChannels = false },
		"Format":         func(p *AddParams) { p.Format = "car" },
		"NoPin":          func(p *AddParams) { p.NoPin = true },
	} {
		changed := DefaultAddParams()
		change(changed)
		if base.Equals(*changed) || changed.Equals(*base) {
			t.Errorf("a different %s is not seen", name)
		}
	}
}

func TestAddParamsValidate(t *testing.T) {
	for want, change := range map[string]func(*AddParams){
		"unknown layout":                 func(p *AddParams) { p.Layout = "zigzag" },
		"unknown format":                 func(p *AddParams) { p.Format = "tar" },
		"unknown CID version 3":          func(p *AddParams) { p.CidVersion = 3 },
		"needs CID version 1":            func(p *AddParams) { p.HashFun = "blake2b-256" },
		"only one of RawLeaves":          func(p *AddParams) { p.RawLeaves, p.NoRawLeaves = true, true },
		"set ShardSize":                  func(p *AddParams) { p.Shard, p.ShardSize = true, 0 },
		"unset Wrap":                     func(p *AddParams) { p.Wrap, p.Format = true, "car" },
		"the minimum must not be larger": func(p *AddParams) { p.ReplicationFactorMin, p.ReplicationFactorMax = 3, 2 },
	} {
		p := DefaultAddParams()
		change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
	good := DefaultAddParams()
	good.HashFun, good.Layout, good.NoRawLeaves, good.Shard = "SHA2-256", "balanced", true, true
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	bad := AddParams{IPFSAddParams: IPFSAddParams{Layout: "x", CidVersion: 2}, Format: "x", Shard: true}
	if got := strings.Count(bad.Validate().Error(), "\n") + 1; got != 4 {
		t.Errorf("%d problems reported, want all 4: %v", got, bad.Validate())
	}
}

// U22: upstream always sent raw-leaves=false, so the server's rule that CID version 1
// implies raw leaves never applied, and CIDs differed from those of ipfs add. Here
// raw-leaves is sent only if the caller set it. The rest is upstream's text.
func TestU22RawLeavesOnlyWhenSet(t *testing.T) {
	const before = "chunker=size-262144&cid-version=0&format=unixfs&hash=sha2-256&hidden=false&layout=&local=false&mode=recursive&name=&no-pin=false&nocopy=false&progress=false"
	const after = "&recursive=true&replication-max=0&replication-min=0&shard=false&shard-size=104857600&stream-channels=true&user-allocations=&wrap-with-directory=false"
	for sent, change := range map[string]func(*AddParams){
		"":                  func(*AddParams) {},
		"&raw-leaves=true":  func(p *AddParams) { p.RawLeaves = true },
		"&raw-leaves=false": func(p *AddParams) { p.NoRawLeaves = true },
	} {
		p := DefaultAddParams()
		change(p)
		if got, err := p.ToQueryString(); err != nil || got != before+sent+after {
			t.Errorf(" got %s, %v\nwant %s", got, err, before+sent+after)
		}
	}
	for query, want := range map[string]struct{ raw, noRaw bool }{
		"":                               {false, false},
		"cid-version=0":                  {false, false},
		"cid-version=1":                  {true, false},
		"cid-version=1&raw-leaves=":      {true, false},
		"cid-version=1&raw-leaves=false": {false, true},
		"cid-version=1&raw-leaves=0":     {false, true},
		"raw-leaves=T":                   {true, false},
	} {
		p, err := addParamsFromQuery(t, query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if p.RawLeaves != want.raw || p.NoRawLeaves != want.noRaw {
			t.Errorf("%s: raw leaves %t, none %t, want %+v", query, p.RawLeaves, p.NoRawLeaves, want)
		}
	}
}

func addParamsFromQuery(t *testing.T, query string) (*AddParams, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return AddParamsFromQuery(values)
}

func TestAddParamsFromQuery(t *testing.T) {
	got, err := addParamsFromQuery(t, "mode=direct&pin-update="+textCid+"&meta-a=b&replication=2")
	if err != nil {
		t.Fatal(err)
	}
	want := AddParams{
		PinOptions:     PinOptions{ReplicationFactorMin: 2, ReplicationFactorMax: 2, Metadata: map[string]string{"a": "b"}},
		IPFSAddParams:  IPFSAddParams{Chunker: "size-262144", HashFun: "sha2-256"},
		StreamChannels: true,
	}
	if !got.Equals(want) || got.PinUpdate.Defined() {
		t.Errorf(" got %+v\nwant %+v", got, want)
	}
	got, err = addParamsFromQuery(t, "layout=trickle&chunker=rabin&hash=sha1&format=car&local=1&recursive=t&hidden=T&wrap-with-directory=TRUE&shard=true&progress=True&cid-version=1&raw-leaves=F&stream-channels=0&nocopy=true&no-pin=true&shard-size=5")
	if err != nil {
		t.Fatal(err)
	}
	want = AddParams{
		PinOptions:    PinOptions{ShardSize: 5},
		IPFSAddParams: IPFSAddParams{Layout: "trickle", Chunker: "rabin", HashFun: "sha1", NoRawLeaves: true, Progress: true, CidVersion: 1, NoCopy: true},
		Local:         true, Recursive: true, Hidden: true, Wrap: true, Shard: true, Format: "car", NoPin: true,
	}
	if !got.Equals(want) {
		t.Errorf(" got %+v\nwant %+v", got, want)
	}
}

// The error reports the first wrong parameter in the server's order.
func TestAddParamsFromQueryErrors(t *testing.T) {
	wrong := []struct{ param, text string }{
		{"origins=/ip4/1.2.3.4", "multiaddress does not contain peer ID: protocol not found in multiaddr"},
		{"layout=zigzag", "layout parameter is invalid"},
		{"format=tar", "format parameter is invalid"},
		{"local=maybe", "parameter local invalid"},
		{"recursive=yes", "parameter recursive invalid"},
		{"hidden=x", "parameter hidden invalid"},
		{"wrap-with-directory=x", "parameter wrap-with-directory invalid"},
		{"shard=x", "parameter shard invalid"},
		{"progress=x", "parameter progress invalid"},
		{"cid-version=x", "parameter cid-version invalid"},
		{"raw-leaves=x", "parameter raw-leaves invalid"},
		{"stream-channels=x", "parameter stream-channels invalid"},
		{"nocopy=x", "parameter nocopy invalid"},
		{"no-pin=x", "parameter no-pin invalid"},
	}
	for i, first := range wrong {
		var query []string
		for _, w := range wrong[i:] {
			query = append(query, w.param)
		}
		p, err := addParamsFromQuery(t, strings.Join(query, "&"))
		if err == nil || err.Error() != first.text {
			t.Errorf("%s: %v, want %s", query, err, first.text)
		}
		if p != nil {
			t.Errorf("%s: parameters and an error", query)
		}
	}
}

func TestAddParamsQueryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := AddParams{
			PinOptions: pinOptionsGen(t),
			IPFSAddParams: IPFSAddParams{
				Layout:     rapid.SampledFrom([]string{"", "balanced", "trickle"}).Draw(t, "layout"),
				Chunker:    rapid.StringN(1, -1, -1).Draw(t, "chunker"),
				Progress:   rapid.Bool().Draw(t, "progress"),
				CidVersion: rapid.IntRange(0, 1).Draw(t, "cid version"),
				HashFun:    rapid.StringN(1, -1, -1).Draw(t, "hash"),
				NoCopy:     rapid.Bool().Draw(t, "nocopy"),
			},
			Local:          rapid.Bool().Draw(t, "local"),
			Recursive:      rapid.Bool().Draw(t, "recursive"),
			Hidden:         rapid.Bool().Draw(t, "hidden"),
			Wrap:           rapid.Bool().Draw(t, "wrap"),
			Shard:          rapid.Bool().Draw(t, "shard"),
			StreamChannels: rapid.Bool().Draw(t, "stream"),
			Format:         rapid.SampledFrom([]string{"", "unixfs", "car"}).Draw(t, "format"),
			NoPin:          rapid.Bool().Draw(t, "no pin"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "raw leaves") {
		case 1:
			want.RawLeaves = true
		case 2:
			want.NoRawLeaves = true
		}
		query, err := want.ToQueryString()
		if err != nil {
			t.Fatal(err)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := AddParamsFromQuery(values)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		// The server's defaults for parameters that were not set.
		want.Mode = PinModeRecursive
		if !want.NoRawLeaves && want.CidVersion == 1 {
			want.RawLeaves = true
		}
		if !got.Equals(want) {
			t.Fatalf("%s\n got %+v\nwant %+v", query, got, want)
		}
	})
}

// B6: md5 was taken for a peer whose IPFS daemon is down, so that the whole upload went
// to every peer. With identity, that depends on the size of the blocks.
func TestB6HashFunctions(t *testing.T) {
	for name, ok := range map[string]bool{
		"": true, "sha2-256": true, "SHA2-256": true, "sha2-512": true, "sha1": true, "sha3-224": true, "sha3": true, "dbl-sha2-256": true,
		"keccak-256": true, "shake-256": true, "blake3": true, "blake2b-256": true, "blake2b-160": true, "blake2s-256": true,
		"md5": false, "identity": true, "IDENTITY": true, "murmur3-x64-64": false, "x11": false, "shake-128": false, "blake2b-152": false,
		"poseidon-bls12_381-a2-fc1": false, "sha2-256-trunc254-padded": false, "nope": false, "sha2_256": false, " sha2-256": false,
	} {
		p := DefaultAddParams()
		p.HashFun, p.CidVersion = name, 1
		if err := p.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	// What is accepted can be computed and has a CID that IPFS accepts.
	for name, code := range multihash.Names {
		if !validHash(name) {
			continue
		}
		c, err := cid.Prefix{Version: 1, Codec: cid.Raw, MhType: code, MhLength: -1}.Sum([]byte("block"))
		if err == nil {
			err = verifcid.ValidateCid(verifcid.DefaultAllowlist, c)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
