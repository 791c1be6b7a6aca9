package unixfs

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ipfs/go-cid"
)

// TestRead checks that Read returns what was imported, for each way to build a file.
func TestRead(t *testing.T) {
	for _, size := range []int{0, 1, 4096, 300_000} {
		for _, p := range []Params{
			{}, {Layout: "trickle"}, {CidVersion: 1, RawLeaves: true}, {CidVersion: 1, RawLeaves: true, Layout: "trickle"},
			{Chunker: "size-500"}, {Chunker: "size-500", Layout: "trickle"}, {CidVersion: 1, Hash: "blake2b-256"},
		} {
			want := part{Filename: "f", ContentType: typeFile}
			want.Content.Seed, want.Content.Len = 7, size
			sink, result := mustImport(t, []part{want}, p)
			var got bytes.Buffer
			if err := Read(sink.get, result.Root, &got); err != nil || !bytes.Equal(got.Bytes(), want.data()) {
				t.Errorf("%d bytes with %+v: read %d bytes, error %v", size, p, got.Len(), err)
			}
		}
	}
}

func TestReadErrors(t *testing.T) {
	sink, result := mustImport(t, []part{file("d/f", "x")}, Params{})
	if err := Read(sink.get, result.Root, io.Discard); !errors.Is(err, errNotFile) {
		t.Errorf("a directory: error %v", err)
	}
	nothing := func(cid.Cid) ([]byte, error) { return nil, errNoBlock }
	if err := Read(nothing, result.Root, io.Discard); !errors.Is(err, errNoBlock) {
		t.Errorf("no block: error %v", err)
	}
	some := func(cid.Cid) ([]byte, error) { return []byte{0}, nil }
	if err := Read(some, cid.NewCidV1(cid.DagCBOR, result.Root.Hash()), io.Discard); !errors.Is(err, errCodec) {
		t.Errorf("dag-cbor: error %v", err)
	}
	sink, result = mustImport(t, []part{file("f", "x")}, Params{})
	if err := Read(sink.get, result.Root, brokenWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("broken writer: error %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
