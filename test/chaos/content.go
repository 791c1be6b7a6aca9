//go:build unix

package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// file is a file that the load adds. Its content can be made again from the seed.
type file struct {
	seed   uint64
	number uint64 // in the load
	size   int
}

const (
	smallFile = 64 << 10 // most files are smaller than this
	largeFile = 2 << 20  // one in largeEvery is larger, up to this
	// largeEvery is chosen so that large files are half of the bytes.
	largeEvery = 32
)

// newFile returns the file with a number. Its size is random.
func newFile(r *rand.Rand, seed, number uint64) file {
	size := 1 + r.IntN(smallFile)
	if r.IntN(largeEvery) == 0 {
		size = smallFile + r.IntN(largeFile-smallFile)
	}
	return file{seed: seed, number: number, size: size}
}

// content returns the bytes of the file. No two files have the same.
func (f file) content() []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], f.seed)
	binary.LittleEndian.PutUint64(key[8:], f.number)
	bytes := make([]byte, f.size)
	_, _ = rand.NewChaCha8(key).Read(bytes) // never fails
	return binary.LittleEndian.AppendUint64(bytes, f.number)
}

// rootOf returns the CID that a file with this content must get.
func rootOf(ctx context.Context, content []byte) (cid.Cid, error) {
	upload := files.NewSliceDirectory([]files.DirEntry{files.FileEntry("file", files.NewBytesFile(content))})
	result, err := unixfs.Import(ctx, upload, unixfs.Params{HashOnly: true}, ignore{})
	return result.Root, err
}

// ignore ignores the blocks and events of an import.
type ignore struct{}

func (ignore) Put(cid.Cid, []byte) error { return nil }
func (ignore) Emit(unixfs.Event) error   { return nil }
