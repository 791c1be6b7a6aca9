package unixfs

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/traversal"
	"github.com/multiformats/go-varint"
)

// FuzzCBORLinks checks that what go-ipld-prime accepts as DAG-CBOR is accepted
// here, with the same links.
func FuzzCBORLinks(f *testing.F) {
	f.Fuzz(func(t *testing.T, block []byte) {
		got, err := cborLinks(block)
		n, wantErr := decodeCBOR(block)
		if wantErr != nil {
			return // for example, keys that come twice are not looked for here
		}
		if err != nil {
			t.Fatalf("%x: %v, but go-ipld-prime decodes it", block, err)
		}
		links, wantErr := traversal.SelectLinks(n)
		if wantErr != nil {
			t.Fatal(wantErr)
		}
		want := make([]cid.Cid, len(links))
		for i, l := range links {
			want[i] = l.(cidlink.Link).Cid
		}
		if !slices.Equal(got, want) {
			t.Errorf("%x: links %v, want %v", block, got, want)
		}
	})
}

// FuzzCARHead checks headers of archives against go-ipld-prime, and that an
// archive which is accepted is read unchanged, or is the inside of one of
// version 2.
func FuzzCARHead(f *testing.F) {
	f.Fuzz(func(t *testing.T, archive []byte) {
		headErr := CheckCARHead(archive[:min(len(archive), CARHeadSize)])
		checkIsCARError(t, headErr)
		if headErr == nil {
			checkCARHeader(t, archive)
		}
		r, err := OpenCAR(bytes.NewReader(archive))
		checkIsCARError(t, err)
		if isV2 := bytes.HasPrefix(archive, []byte(carV2Pragma)); !isV2 && (err == nil) != (headErr == nil) {
			t.Fatalf("OpenCAR: %v; CheckCARHead: %v", err, headErr)
		}
		if err != nil {
			return
		}
		inner, err := io.ReadAll(r)
		checkIsCARError(t, err)
		if !bytes.Contains(archive, inner) || headErr == nil && !bytes.Equal(inner, archive) {
			t.Errorf("read %d bytes that are not those of the archive", len(inner))
		}
		checkIsCARError(t, CheckCARHead(inner[:min(len(inner), CARHeadSize)]))
	})
}

func checkIsCARError(t *testing.T, err error) {
	t.Helper()
	var bad *CARError
	if err != nil && (!errors.As(err, &bad) || bad.Reason == "") {
		t.Fatalf("error %v is not a CARError with a reason", err)
	}
}

// checkCARHeader checks that go-ipld-prime finds one root in the header of an
// archive.
func checkCARHeader(t *testing.T, archive []byte) {
	t.Helper()
	size, n, err := varint.FromUvarint(archive)
	if err != nil {
		t.Fatal(err)
	}
	section := archive[n:][:size]
	root, err := carRoot(section)
	if err != nil {
		t.Fatal(err)
	}
	header, err := decodeCBOR(section)
	if err != nil {
		t.Fatalf("header %x: %v", section, err)
	}
	version, err := header.LookupByString("version")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := version.AsInt(); err != nil || v != 1 {
		t.Fatalf("version %d, %v", v, err)
	}
	roots, err := header.LookupByString("roots")
	if err != nil || roots.Kind() != datamodel.Kind_List || roots.Length() != 1 {
		t.Fatalf("header %x has roots %v, %v", section, roots, err)
	}
	first, err := roots.LookupByIndex(0)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := first.AsLink(); err != nil || !l.(cidlink.Link).Cid.Equals(root) {
		t.Fatalf("root %s, want %v, %v", root, l, err)
	}
}
