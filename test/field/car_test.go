package field

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// packCAR returns a CAR of version 1 with the DAG of the files at paths.
func packCAR(t *testing.T, paths []string) []byte {
	t.Helper()
	var blocks carBlocks
	result, err := unixfs.Import(t.Context(), openPaths(t, paths), unixfs.Params{CidVersion: 1, RawLeaves: true}, &blocks)
	if err != nil {
		t.Fatal(err)
	}
	var car bytes.Buffer
	writeSection(&car, carHeader(result.Root))
	car.Write(blocks.sections.Bytes())
	return car.Bytes()
}

// carHeader returns the header of a CAR with one root: the DAG-CBOR of
// {"roots": [root], "version": 1}.
func carHeader(root cid.Cid) []byte {
	link := append([]byte{0}, root.Bytes()...)
	header := append([]byte{0xa2, 0x65}, "roots"...)
	header = append(header, 0x81, 0xd8, 42, 0x58, byte(len(link)))
	header = append(header, link...)
	header = append(header, 0x67)
	header = append(header, "version"...)
	return append(header, 1)
}

// carBlocks is the sink of an import that writes the blocks as sections of a CAR.
type carBlocks struct{ sections bytes.Buffer }

func (b *carBlocks) Put(c cid.Cid, block []byte) error {
	writeSection(&b.sections, c.Bytes(), block)
	return nil
}

func (b *carBlocks) Emit(unixfs.Event) error { return nil }

// writeSection writes a section, which begins with its length.
func writeSection(w *bytes.Buffer, parts ...[]byte) {
	section := bytes.Join(parts, nil)
	w.Write(binary.AppendUvarint(nil, uint64(len(section))))
	w.Write(section)
}
