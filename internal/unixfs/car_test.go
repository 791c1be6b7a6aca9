package unixfs

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/multiformats/go-varint"
)

func carSection(data ...[]byte) []byte {
	body := bytes.Join(data, nil)
	return append(varint.ToUvarint(uint64(len(body))), body...)
}

func carHeader(t testing.TB, version int64, roots ...cid.Cid) []byte {
	t.Helper()
	n, err := qp.BuildMap(basicnode.Prototype.Map, 2, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "roots", qp.List(int64(len(roots)), func(la datamodel.ListAssembler) {
			for _, c := range roots {
				qp.ListEntry(la, qp.Link(cidlink.Link{Cid: c}))
			}
		}))
		qp.MapEntry(ma, "version", qp.Int(version))
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := dagcbor.Encode(n, &b); err != nil {
		t.Fatal(err)
	}
	return carSection(b.Bytes())
}

// carOf returns an archive of all blocks in the sink.
func carOf(t testing.TB, m *memory, root cid.Cid) []byte {
	t.Helper()
	car := carHeader(t, 1, root)
	for _, c := range m.order {
		car = append(car, carSection(c.Bytes(), m.blocks[c])...)
	}
	return car
}

func importCAR(car []byte, wrap bool) (*memory, Result, error) {
	sink := newMemory()
	result, err := Import(context.Background(), single(bytes.NewReader(car)), Params{Format: "car", Wrap: wrap}, sink)
	return sink, result, err
}

func TestCAR(t *testing.T) {
	big := part{Filename: "f"}
	big.Content.Seed, big.Content.Len = 1, 5000
	for name, c := range map[string]struct {
		parts  []part
		params Params
		size   uint64
	}{
		"file":          {[]part{big}, Params{Chunker: "size-1000"}, 5000},
		"raw leaf":      {[]part{big}, Params{RawLeaves: true}, 0},
		"directory":     {[]part{file("d/x", "1"), file("d/y", "2")}, Params{CidVersion: 1}, 0},
		"with dag-cbor": {[]part{big}, Params{Chunker: "size-1000", Shard: true, ShardSize: 3000}, 5000},
	} {
		from, want := mustImport(t, c.parts, c.params)
		sink, result, err := importCAR(carOf(t, from, want.Root), false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !result.Root.Equals(want.Root) || len(sink.blocks) != len(from.blocks) {
			t.Errorf("%s: root %s of %d blocks, want %s of %d",
				name, result.Root, len(sink.blocks), want.Root, len(from.blocks))
		}
		var total uint64
		for _, k := range from.order {
			total += uint64(len(from.blocks[k]))
		}
		if e := sink.events; len(e) != 1 || e[0] != (Event{Name: "f", Cid: want.Root, Bytes: total, Size: c.size}) {
			t.Errorf("%s: events %+v, want one of %d bytes, size %d", name, e, total, c.size)
		}
	}
}

func TestBadCAR(t *testing.T) {
	from, result := mustImport(t, []part{file("f", "hello")}, Params{})
	good := carOf(t, from, result.Root)
	block := from.blocks[result.Root]
	other := cid.NewCidV1(cid.DagJSON, result.Root.Hash())
	for name, c := range map[string]struct {
		car  []byte
		wrap bool
		want string
	}{
		"wrapped":     {good, true, "cannot wrap a CAR file upload"},
		"empty":       {nil, false, "unexpected EOF"},
		"no roots":    {carHeader(t, 1), false, "empty car, no roots"},
		"two roots":   {carHeader(t, 1, result.Root, result.Root), false, "only CAR files with a single root are supported"},
		"version 2":   {carHeader(t, 2, result.Root), false, "invalid car version: 2"},
		"no header":   {carSection([]byte{0x01}), false, "invalid header: "},
		"cut":         {good[:len(good)-1], false, "unexpected EOF"},
		"huge":        {varint.ToUvarint(1 << 40), false, "malformed car; section is larger than 32 MiB"},
		"long length": {append(bytes.Clone(good), 0x81, 0x00), false, "varint not minimally encoded"},
		"no length":   {append(bytes.Clone(good), bytes.Repeat([]byte{0xff}, 10)...), false, "varints larger than uint63 not supported"},
		"length cut":  {append(bytes.Clone(good), 0x81), false, "unexpected EOF"},
		"no cid":      {append(bytes.Clone(good), 1, 0), false, "invalid cid: "},
		"wrong hash":  {append(carHeader(t, 1, result.Root), carSection(result.Root.Bytes(), block[1:])...), false, "mismatch in content integrity, name: " + result.Root.String()},
		"other codec": {append(carHeader(t, 1, other), carSection(other.Bytes(), block)...), false, "only dag-pb, dag-cbor and raw blocks are supported"},
		"no blocks":   {carHeader(t, 1, result.Root), false, "nothing to import"},
	} {
		_, _, err := importCAR(c.car, c.wrap)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
		// These two are not found in the archive itself.
		var bad *CARError
		if name != "wrapped" && name != "no blocks" && (!errors.As(err, &bad) || bad.Reason == "") {
			t.Errorf("%s: error %#v is not a CARError with a reason", name, err)
		}
	}
	_, err := Import(context.Background(), files.NewSliceDirectory([]files.DirEntry{
		files.FileEntry("d", files.NewSliceDirectory(nil)),
	}), Params{Format: "car"}, newMemory())
	if err == nil || err.Error() != "expected CAR file is not of type file" {
		t.Errorf("directory: error %v", err)
	}
}

func FuzzCAR(f *testing.F) {
	from := newMemory()
	result, err := Import(context.Background(), single(strings.NewReader("hello, car")), Params{Chunker: "size-4"}, from)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(carOf(f, from, result.Root))
	f.Add(carHeader(f, 1, result.Root))
	f.Fuzz(func(t *testing.T, car []byte) {
		sink, result, err := importCAR(car, false)
		if err != nil {
			return
		}
		for c, block := range sink.blocks {
			if sum, err := c.Prefix().Sum(block); err != nil || !sum.Equals(c) {
				t.Errorf("stored a block that is not %s", c)
			}
		}
		// Errors are allowed: an archive need not be complete.
		_ = Walk(sink.get, result.Root, func(cid.Cid) error { return nil })
		_, _ = Resolve(sink.get, result.Root, []string{"a", "b"})
	})
}

// decodeCBOR decodes a dag-cbor block with go-ipld-prime.
func decodeCBOR(block []byte) (datamodel.Node, error) {
	b := basicnode.Prototype.Any.NewBuilder()
	if err := dagcbor.Decode(b, bytes.NewReader(block)); err != nil {
		return nil, err
	}
	return b.Build(), nil
}
