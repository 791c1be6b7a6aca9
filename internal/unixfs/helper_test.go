package unixfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
	dagpb "github.com/ipld/go-codec-dagpb"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

const (
	boundary      = "pinfleet-golden-boundary"
	typeFile      = "application/octet-stream"
	typeDirectory = "application/x-directory"
	typeSymlink   = "application/symlink"
)

// part is one part of an upload.
type part struct {
	Filename    string
	ContentType string `json:"content_type"`
	Content     struct {
		Text string
		Seed uint32 `json:"xorshift32_seed"`
		Len  int    `json:"length"`
	}
}

func file(name, text string) part {
	p := part{Filename: name, ContentType: typeFile}
	p.Content.Text = text
	return p
}

func (p part) data() []byte {
	if p.Content.Len > 0 {
		return xorshift32(p.Content.Seed, p.Content.Len)
	}
	return []byte(p.Content.Text)
}

// xorshift32 returns the first n bytes of the generator's words, little-endian.
func xorshift32(x uint32, n int) []byte {
	b := make([]byte, 0, n+4)
	for len(b) < n {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b[:n]
}

func multipartBody(t testing.TB, parts []part) []byte {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := w.SetBoundary(boundary); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		h := make(textproto.MIMEHeader)
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename=%q`, url.QueryEscape(p.Filename)))
		h.Set("Content-Type", p.ContentType)
		pw, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pw.Write(p.data()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

func upload(body []byte) files.Directory {
	d, err := files.NewFileFromPartReader(multipart.NewReader(bytes.NewReader(body), boundary), "multipart/form-data")
	if err != nil {
		panic(err) // only for another media type
	}
	return d
}

func single(r io.Reader) files.Directory {
	return files.NewSliceDirectory([]files.DirEntry{files.FileEntry("f", files.NewReaderFile(r))})
}

// memory is a Sink that keeps everything.
type memory struct {
	blocks map[cid.Cid][]byte
	order  []cid.Cid
	events []Event
}

func newMemory() *memory {
	return &memory{blocks: make(map[cid.Cid][]byte)}
}

func (m *memory) Put(c cid.Cid, block []byte) error {
	m.blocks[c] = block
	m.order = append(m.order, c)
	return nil
}

func (m *memory) Emit(e Event) error {
	m.events = append(m.events, e)
	return nil
}

var errNoBlock = errors.New("no such block")

func (m *memory) get(c cid.Cid) ([]byte, error) {
	b, ok := m.blocks[c]
	if !ok {
		return nil, errNoBlock
	}
	return b, nil
}

// decoded is a block as independent decoders read it.
type decoded struct {
	links []link
	fs    *pb.Data
}

// decode decodes a block with go-codec-dagpb and the UnixFS message of
// go-unixfs, and checks that the block matches its CID and is canonical.
func decode(t rapid.TB, m *memory, c cid.Cid) decoded {
	t.Helper()
	block, err := m.get(c)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	if sum, err := c.Prefix().Sum(block); err != nil || !sum.Equals(c) {
		t.Fatalf("block of %s has CID %s, %v", c, sum, err)
	}
	if c.Type() == cid.Raw {
		typ, size := pb.Data_Raw, uint64(len(block))
		return decoded{fs: &pb.Data{Type: &typ, Data: block, Filesize: &size}}
	}
	builder := dagpb.Type.PBNode.NewBuilder()
	if err := dagpb.DecodeBytes(builder, block); err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	n := builder.Build()
	if again, err := dagpb.AppendEncode(nil, n); err != nil || !bytes.Equal(again, block) {
		t.Fatalf("%s is not canonical: %x, want %x, %v", c, block, again, err)
	}
	pn := n.(dagpb.PBNode)
	d := decoded{fs: new(pb.Data)}
	if err := proto.Unmarshal(pn.Data.Must().Bytes(), d.fs); err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	for it := pn.Links.Iterator(); !it.Done(); {
		_, l := it.Next()
		d.links = append(d.links, link{
			name: l.Name.Must().String(),
			cid:  l.Hash.Link().(cidlink.Link).Cid,
			size: uint64(l.Tsize.Must().Int()),
		})
	}
	return d
}

// cumulativeSize adds up the blocks below c and checks the sizes of links.
func cumulativeSize(t rapid.TB, m *memory, c cid.Cid) uint64 {
	t.Helper()
	total := uint64(len(m.blocks[c]))
	for _, l := range decode(t, m, c).links {
		size := cumulativeSize(t, m, l.cid)
		if size != l.size {
			t.Errorf("link %q to %s says %d, want %d", l.name, l.cid, l.size, size)
		}
		total += size
	}
	return total
}

// content reads a file and checks the sizes in its nodes.
func content(t rapid.TB, m *memory, c cid.Cid) []byte {
	t.Helper()
	d := decode(t, m, c)
	data := d.fs.GetData()
	if len(d.links) != len(d.fs.GetBlocksizes()) {
		t.Fatalf("%s has %d links and %d block sizes", c, len(d.links), len(d.fs.GetBlocksizes()))
	}
	leaves := 0
	for i, l := range d.links {
		if len(decode(t, m, l.cid).links) == 0 {
			leaves++
		}
		part := content(t, m, l.cid)
		if uint64(len(part)) != d.fs.GetBlocksizes()[i] {
			t.Errorf("%s: block %d has %d bytes, want %d", c, i, len(part), d.fs.GetBlocksizes()[i])
		}
		data = append(data, part...)
	}
	if leaves > maxLinks {
		t.Errorf("%s has %d leaves", c, leaves)
	}
	if uint64(len(data)) != d.fs.GetFilesize() {
		t.Errorf("%s says %d bytes, has %d", c, d.fs.GetFilesize(), len(data))
	}
	return data
}

func decodeMust(t testing.TB, s string) cid.Cid {
	t.Helper()
	c, err := cid.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
