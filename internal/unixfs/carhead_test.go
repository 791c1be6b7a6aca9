package unixfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/multiformats/go-varint"
)

// carV2 wraps an archive in one of version 2, with padding before and an index
// after it.
func carV2(car []byte, padding int, index string) []byte {
	b := []byte("\x0a\xa1\x67version\x02")
	b = append(b, make([]byte, 16)...)
	b = binary.LittleEndian.AppendUint64(b, uint64(51+padding))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(car)))
	b = binary.LittleEndian.AppendUint64(b, uint64(51+padding+len(car)))
	b = append(b, make([]byte, padding)...)
	return append(append(b, car...), index...)
}

// TestOpenCAR checks that archives of both versions are read as version 1.
func TestOpenCAR(t *testing.T) {
	big := part{Filename: "f"}
	big.Content.Seed, big.Content.Len = 1, 100_000
	from, result := mustImport(t, []part{big}, Params{Chunker: "size-1000"})
	car := carOf(t, from, result.Root)
	for name, archive := range map[string][]byte{
		"version 1":           car,
		"version 2":           carV2(car, 0, "index"),
		"version 2, padding":  carV2(car, 20_000, ""),
		"one block of a byte": append(carHeader(t, 1, result.Root), carSection(rawBlock(t, []byte{1}))...),
	} {
		want := car
		if name == "one block of a byte" {
			want = archive
		}
		r, err := OpenCAR(iotest.OneByteReader(bytes.NewReader(archive)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: read %d bytes, error %v; want the %d of version 1", name, len(got), err, len(want))
		}
	}
}

// rawBlock returns the CID of a raw block followed by the block.
func rawBlock(t *testing.T, block []byte) []byte {
	t.Helper()
	sink, result := mustImport(t, []part{file("f", string(block))}, Params{RawLeaves: true})
	return append(result.Root.Bytes(), sink.blocks[result.Root]...)
}

// TestCARHeadIsRefused is the regression test of B3: a real server panics at an
// archive without blocks, and a file that is not a CAR archive costs a whole
// upload. Both are found in the first bytes.
func TestCARHeadIsRefused(t *testing.T) {
	from, result := mustImport(t, []part{file("f", "hello")}, Params{})
	good := carOf(t, from, result.Root)
	header := carHeader(t, 1, result.Root)
	v2 := carV2(good, 10, "")
	noSize := bytes.Clone(v2)
	clear(noSize[35:43])
	early := bytes.Clone(v2)
	early[27] = 50
	cases := map[string]struct {
		car  []byte
		want string
		v2   bool // only OpenCAR reads on after the first header
	}{
		"empty":           {nil, "it is empty", false},
		"page":            {[]byte("<!DOCTYPE html><html><head><title>Not found</title></head><body></body></html>"), "it is not a CAR archive", false},
		"text":            {[]byte("hello"), "it is not a CAR archive, or ends in the middle of the header", false},
		"zeros":           {make([]byte, 100), "it is not a CAR archive", false},
		"ones":            {bytes.Repeat([]byte{0xff}, 100), "it is not a CAR archive", false},
		"gzip":            {[]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + strings.Repeat("x", 50)), "it is not a CAR archive", false},
		"only a header":   {header, "it has a header but no blocks", false},
		"header cut":      {header[:20], "it is not a CAR archive, or ends in the middle of the header", false},
		"no roots":        {carHeader(t, 1), "it has no root", false},
		"two roots":       {carHeader(t, 1, result.Root, result.Root), "it has 2 roots, but only one can be pinned", false},
		"version 3":       {carHeader(t, 3, result.Root), "it is a CAR of another version than 1", false},
		"zero padding":    {append(bytes.Clone(header), make([]byte, 100)...), "its first block has no valid CID", false},
		"huge block":      {append(bytes.Clone(header), varint.ToUvarint(1<<40)...), "a block has more than 32 MiB", false},
		"length cut":      {append(bytes.Clone(header), 0x80), "its first block has an invalid length", false},
		"v2 header cut":   {v2[:30], "it is a CAR of version 2 that ends before its blocks", true},
		"v2 padding cut":  {v2[:55], "it is a CAR of version 2 that ends before its blocks", true},
		"v2 not finished": {noSize, "it is a CAR of version 2 with an invalid or unfinished header", true},
		"v2 overlap":      {early, "it is a CAR of version 2 with an invalid or unfinished header", true},
		"v2 in v2":        {carV2(v2, 0, ""), "it is a CAR of another version than 1", true},
		"v2 of nothing":   {carV2(header, 0, "index"), "it has a header but no blocks", true},
	}
	for name, c := range cases {
		_, err := OpenCAR(bytes.NewReader(c.car))
		checkReason(t, name, err, c.want)
		if !c.v2 {
			checkReason(t, name, CheckCARHead(c.car[:min(len(c.car), CARHeadSize)]), c.want)
		}
	}
	checkReason(t, "version 2 as it is", CheckCARHead(v2), "it is a CAR of another version than 1")
	if err := CheckCARHead(good[:len(header)+40]); err != nil {
		t.Errorf("the head of a good archive: %v", err)
	}
	if _, err := OpenCAR(iotest.ErrReader(errTest)); !errors.Is(err, errTest) {
		t.Errorf("error of the reader: %v", err)
	}
}

func checkReason(t *testing.T, name string, err error, want string) {
	t.Helper()
	var bad *CARError
	if !errors.As(err, &bad) || bad.Reason != want {
		t.Errorf("%s: error %#v, want %s", name, err, want)
	}
}

// TestCARv2EndsEarly checks that a payload which ends before its announced size
// is an error even if it ends between two blocks.
func TestCARv2EndsEarly(t *testing.T) {
	for _, size := range []int{5, 100_000} {
		p := part{Filename: "f"}
		p.Content.Seed, p.Content.Len = 1, size
		from, result := mustImport(t, []part{p}, Params{})
		car := carOf(t, from, result.Root)
		whole := carV2(append(bytes.Clone(car), car[len(car)/2:]...), 0, "")
		// Of a small archive, OpenCAR has read the end already.
		r, err := OpenCAR(bytes.NewReader(whole[:51+len(car)]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		var bad *CARError
		if !errors.As(err, &bad) || !strings.HasPrefix(bad.Reason, "it is a CAR of version 2 whose blocks end ") {
			t.Errorf("%d bytes: error %v", size, err)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: error %v is not an unexpected EOF", size, err)
		}
	}
}

// TestCodecsOfOtherServers checks that the codec of a block is no reason to
// refuse an archive which is only hashed: a server may know more codecs. Blocks
// that are stored must be decoded.
func TestCodecsOfOtherServers(t *testing.T) {
	block := []byte(`{"a":1}`)
	c, err := cid.NewPrefixV1(cid.DagJSON, multihash.SHA2_256).Sum(block)
	if err != nil {
		t.Fatal(err)
	}
	car := append(carHeader(t, 1, c), carSection(c.Bytes(), block)...)
	for _, hashOnly := range []bool{false, true} {
		p := Params{Format: "car", HashOnly: hashOnly}
		_, err := Import(t.Context(), single(bytes.NewReader(car)), p, newMemory())
		if refused := errors.Is(err, errCodec); refused == hashOnly || hashOnly && err != nil {
			t.Errorf("hash only %t: error %v", hashOnly, err)
		}
	}
}

// TestRequireRoot checks that an archive without its root is refused only on
// request, because servers accept it.
func TestRequireRoot(t *testing.T) {
	from, result := mustImport(t, []part{file("f", "hello")}, Params{})
	other, _ := mustImport(t, []part{file("f", "other")}, Params{})
	for _, required := range []bool{false, true} {
		p := Params{Format: "car", RequireRoot: required}
		if _, err := Import(t.Context(), single(bytes.NewReader(carOf(t, from, result.Root))), p, newMemory()); err != nil {
			t.Errorf("required %t: %v", required, err)
		}
		_, err := Import(t.Context(), single(bytes.NewReader(carOf(t, other, result.Root))), p, newMemory())
		if !required && err != nil {
			t.Errorf("not required: %v", err)
		}
		if required {
			checkReason(t, "required", err, "its root "+result.Root.String()+" is not among its blocks")
		}
	}
}
