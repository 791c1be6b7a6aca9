package unixfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/multiformats/go-varint"
)

// maxCARSection limits a section of a CAR, in bytes.
const maxCARSection = 32 << 20

// carAdder adds the blocks of one CARv1 archive unchanged.
type carAdder struct {
	*output
	wrap bool
}

func (c *carAdder) addTop(name string, n files.Node) (cid.Cid, error) {
	defer n.Close()
	if c.wrap {
		return cid.Undef, errors.New("cannot wrap a CAR file upload")
	}
	f, ok := n.(files.File)
	if !ok {
		return cid.Undef, errors.New("expected CAR file is not of type file")
	}
	r := bufio.NewReader(f)
	root, err := readCARHeader(r)
	if err != nil {
		return cid.Undef, err
	}
	event := Event{Name: name, Cid: root}
	for {
		section, err := readCARSection(r)
		if errors.Is(err, io.EOF) {
			return root, c.sink.Emit(event)
		}
		if err != nil {
			return cid.Undef, err
		}
		bc, block, err := splitCARBlock(section)
		if err != nil {
			return cid.Undef, err
		}
		event.Bytes += uint64(len(block))
		if bc.Equals(root) {
			event.Size = fileSize(bc, block)
		}
		if err := c.putBlock(bc, block); err != nil {
			return cid.Undef, err
		}
	}
}

// readCARSection returns the next section, or io.EOF only if there is none.
func readCARSection(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	size, err := varint.ReadUvarint(r)
	if err != nil {
		return nil, unexpectedEOF(err)
	}
	if size > maxCARSection {
		return nil, errors.New("malformed car; section is larger than 32 MiB")
	}
	// The buffer grows with the bytes that arrive, not with the announced size.
	var section bytes.Buffer
	if _, err := io.CopyN(&section, r, int64(size)); err != nil {
		return nil, unexpectedEOF(err)
	}
	return section.Bytes(), nil
}

func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readCARHeader returns the single root of the archive.
func readCARHeader(r *bufio.Reader) (cid.Cid, error) {
	section, err := readCARSection(r)
	if err != nil {
		return cid.Undef, unexpectedEOF(err)
	}
	version, roots, err := decodeCARHeader(section)
	switch {
	case err != nil:
		return cid.Undef, fmt.Errorf("invalid header: %w", err)
	case version != 1:
		return cid.Undef, fmt.Errorf("invalid car version: %d", version)
	case len(roots) == 0:
		return cid.Undef, errors.New("empty car, no roots")
	case len(roots) > 1:
		return cid.Undef, errors.New("only CAR files with a single root are supported")
	}
	return roots[0], nil
}

func decodeCARHeader(section []byte) (version int64, roots []cid.Cid, err error) {
	header, err := decodeCBOR(section)
	if err != nil {
		return 0, nil, err
	}
	v, err := header.LookupByString("version")
	if err != nil {
		return 0, nil, err
	}
	if version, err = v.AsInt(); err != nil {
		return 0, nil, err
	}
	list, err := header.LookupByString("roots")
	if err != nil {
		return 0, nil, err
	}
	for i := range max(list.Length(), 0) {
		item, err := list.LookupByIndex(i)
		if err != nil {
			return 0, nil, err
		}
		l, err := item.AsLink()
		if err != nil {
			return 0, nil, err
		}
		roots = append(roots, l.(cidlink.Link).Cid)
	}
	return version, roots, nil
}

func decodeCBOR(block []byte) (datamodel.Node, error) {
	b := basicnode.Prototype.Any.NewBuilder()
	if err := dagcbor.Decode(b, bytes.NewReader(block)); err != nil {
		return nil, err
	}
	return b.Build(), nil
}

// splitCARBlock returns the CID and the block of a section. It fails if the
// block does not match its CID or cannot be decoded.
func splitCARBlock(section []byte) (cid.Cid, []byte, error) {
	n, c, err := cid.CidFromBytes(section)
	if err != nil {
		return cid.Undef, nil, err
	}
	block := section[n:]
	sum, err := c.Prefix().Sum(block)
	if err != nil {
		return cid.Undef, nil, err
	}
	if !sum.Equals(c) {
		return cid.Undef, nil, fmt.Errorf("mismatch in content integrity, name: %s, data: %s", c, sum)
	}
	if _, err := blockLinks(c, block); err != nil {
		return cid.Undef, nil, err
	}
	return c, block, nil
}

// fileSize returns the size of a UnixFS file, or 0 for any other block.
func fileSize(c cid.Cid, block []byte) uint64 {
	if c.Type() != cid.DagProtobuf {
		return 0
	}
	_, fs, err := decodeNode(block)
	if err != nil {
		return 0
	}
	d, err := decodeFS(fs)
	if err != nil {
		return 0
	}
	return d.GetFilesize()
}
