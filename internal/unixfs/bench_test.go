package unixfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/ipfs/go-cid"
)

// discard is a Sink that keeps nothing.
type discard struct{}

func (discard) Put(cid.Cid, []byte) error { return nil }
func (discard) Emit(Event) error          { return nil }

// repeat reads a buffer n times.
type repeat struct {
	buf  []byte
	left int
	pos  int
}

func (r *repeat) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.buf[r.pos:])
	if r.pos += n; r.pos == len(r.buf) {
		r.pos, r.left = 0, r.left-1
	}
	return n, nil
}

const benchSize = 256 << 20

// BenchmarkImport imports 256 MiB. For comparison, the sub-benchmark floor only
// reads and hashes the same number of bytes, on one goroutine.
func BenchmarkImport(b *testing.B) {
	buf := xorshift32(1, 1<<20)
	for _, c := range []struct {
		name   string
		params Params
	}{
		{"default", Params{}},
		{"rawleaves", Params{CidVersion: 1, RawLeaves: true}},
		{"trickle", Params{Layout: "trickle"}},
		{"buzhash", Params{Chunker: "buzhash"}},
		{"rabin", Params{Chunker: "rabin"}},
		{"hashonly", Params{HashOnly: true}},
	} {
		b.Run("ours/"+c.name, func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				r := &repeat{buf: buf, left: benchSize / len(buf)}
				if _, err := Import(context.Background(), single(r), c.params, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("floor", func(b *testing.B) {
		chunk := make([]byte, 256<<10)
		b.SetBytes(benchSize)
		b.ReportAllocs()
		for b.Loop() {
			r := &repeat{buf: buf, left: benchSize / len(buf)}
			for {
				n, err := io.ReadFull(r, chunk)
				if err != nil {
					break
				}
				sha256.Sum256(chunk[:n])
			}
		}
	})
}

// BenchmarkHashSmall hashes one file of 4 KiB, and 1 MiB in chunks of 32 bytes.
func BenchmarkHashSmall(b *testing.B) {
	buf := xorshift32(1, 1<<20)
	for _, c := range []struct {
		name   string
		params Params
		size   int
	}{
		{"4KiB", Params{HashOnly: true}, 4 << 10},
		{"size-32", Params{HashOnly: true, Chunker: "size-32"}, len(buf)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			for b.Loop() {
				r := bytes.NewReader(buf[:c.size])
				if _, err := Import(context.Background(), single(r), c.params, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkImportDirectory imports a directory that becomes a HAMT.
func BenchmarkImportDirectory(b *testing.B) {
	cases := goldenCases(b)
	c := cases[len(cases)-1]
	body := c.body(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Import(context.Background(), upload(bytes.Clone(body)), Params{}, discard{}); err != nil {
			b.Fatal(err)
		}
	}
}
