package unixfs

import (
	"context"
	"fmt"
	"path"
	"testing"

	"github.com/ipfs/go-cid"
	dagpb "github.com/ipld/go-codec-dagpb"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
)

// plainDirectory returns a link to a directory in one block, which it encodes
// with go-codec-dagpb.
func plainDirectory(t *testing.T, links []link) link {
	t.Helper()
	n, err := qp.BuildMap(dagpb.Type.PBNode, 2, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "Data", qp.Bytes([]byte{8, 1}))
		qp.MapEntry(ma, "Links", qp.List(int64(len(links)), func(la datamodel.ListAssembler) {
			for _, l := range links {
				qp.ListEntry(la, qp.Map(3, func(ma datamodel.MapAssembler) {
					qp.MapEntry(ma, "Hash", qp.Link(cidlink.Link{Cid: l.cid}))
					qp.MapEntry(ma, "Name", qp.String(l.name))
					qp.MapEntry(ma, "Tsize", qp.Int(int64(l.size)))
				}))
			}
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	block, err := dagpb.AppendEncode(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Params{}.mustPrefix(t).Sum(block)
	if err != nil {
		t.Fatal(err)
	}
	size := uint64(len(block))
	for _, l := range links {
		size += l.size
	}
	return link{cid: c, size: size}
}

func (p Params) mustPrefix(t *testing.T) cid.Prefix {
	t.Helper()
	prefix, err := p.prefix()
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

func accepts(t *testing.T, d *Directory, want link) {
	t.Helper()
	if size, ok := d.Accept(want.cid); !ok || size != want.size {
		t.Errorf("Accept(%s) = %d, %t; want %d, true", want.cid, size, ok, want.size)
	}
}

func refuses(t *testing.T, d *Directory, c cid.Cid) {
	t.Helper()
	if _, ok := d.Accept(c); ok {
		t.Errorf("Accept(%s) = true", c)
	}
}

// TestDirectoryInEitherForm checks that a directory which v1.1.6 builds as a
// HAMT is also accepted in one block, and that the directories above it then
// must contain it in that form.
func TestDirectoryInEitherForm(t *testing.T) {
	var parts []part
	for i := range 4000 {
		parts = append(parts, file(fmt.Sprintf("top/big/long-file-name-to-pass-the-threshold-%05d.txt", i), fmt.Sprint(i)))
	}
	parts = append(parts, file("top/small/a", "a"), file("top/z", "z"))
	sink, _ := mustImport(t, parts, Params{})

	events := make(map[string]Event)
	entries := make(map[string][]link) // of each directory, by its name
	for _, e := range sink.events {
		events[e.Name] = e
		parent, base := path.Split(e.Name)
		entries[parent] = append(entries[parent], link{name: base, cid: e.Cid, size: e.Size})
	}
	for name, e := range events {
		isDirectory := name == "top" || name == "top/big" || name == "top/small"
		if isDirectory != (e.Directory != nil) {
			t.Fatalf("%s: Directory %v", name, e.Directory)
		}
	}
	stored := func(name string) link { return link{cid: events[name].Cid, size: events[name].Size} }
	big, small, top := events["top/big"].Directory, events["top/small"].Directory, events["top"].Directory
	plain := plainDirectory(t, entries["top/big/"])
	if plain.cid.Equals(stored("top/big").cid) {
		t.Fatal("the large directory is not a HAMT")
	}
	// "top/" holds z, big and small, in the order of the events.
	inTop := entries["top/"]
	inTop = []link{inTop[1], inTop[2], inTop[0]}
	if l := plainDirectory(t, inTop); l != stored("top") {
		t.Fatalf("the test builds %v, want %v", l, stored("top"))
	}
	inTop[0].cid, inTop[0].size = plain.cid, plain.size
	above := plainDirectory(t, inTop)

	// Nothing was accepted: the directories have their stored forms.
	accepts(t, top, stored("top"))
	refuses(t, top, above.cid)
	// A CID of no form of the directory changes nothing.
	refuses(t, big, cid.Undef)
	refuses(t, big, stored("top").cid)
	refuses(t, big, cid.NewCidV1(cid.DagProtobuf, plain.cid.Hash()))
	accepts(t, top, stored("top"))
	// The large directory in one block.
	accepts(t, big, plain)
	accepts(t, small, stored("top/small"))
	accepts(t, top, above)
	refuses(t, top, stored("top").cid)
	// And as a HAMT again.
	accepts(t, big, stored("top/big"))
	accepts(t, top, stored("top"))
	refuses(t, top, above.cid)
}

// TestEmptyDirectoryHasOneForm checks that a wrong CID of an empty directory is
// refused: it has no HAMT.
func TestEmptyDirectoryHasOneForm(t *testing.T) {
	sink, _ := mustImport(t, []part{{Filename: "d", ContentType: typeDirectory}}, Params{})
	d := sink.events[len(sink.events)-1].Directory
	accepts(t, d, link{cid: sink.events[0].Cid, size: 4})
	refuses(t, d, cid.NewCidV1(cid.Raw, sink.events[0].Cid.Hash()))
}

// TestDirectoryOfEarlierEntry checks that a directory of an earlier top-level
// entry, which the server keeps in its scratch directory, counts in its accepted
// form.
func TestDirectoryOfEarlierEntry(t *testing.T) {
	body := multipartBody(t, []part{file("a/x/f", "1"), file("b/y", "2")})
	sink := newMemory()
	if _, err := Import(context.Background(), upload(body), Params{}, sink); err != nil {
		t.Fatal(err)
	}
	var directories []Event
	for _, e := range sink.events {
		if e.Directory != nil {
			directories = append(directories, e)
		}
	}
	x, b := directories[0], directories[len(directories)-1]
	if x.Name != "a/x" || b.Name != "b" {
		t.Fatalf("events %v", directories)
	}
	sharded, err := x.Directory.build(x.Directory.links, true)
	if err != nil {
		t.Fatal(err)
	}
	accepts(t, x.Directory, sharded)
	refuses(t, b.Directory, b.Cid)
}
