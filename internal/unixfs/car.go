package unixfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-varint"
)

// maxCARSection limits a section of a CAR, in bytes.
const maxCARSection = 32 << 20

var (
	errCARSection = &CARError{"a block has more than 32 MiB", errors.New("malformed car; section is larger than 32 MiB")}
	errCARCut     = &CARError{"it ends in the middle of a block", io.ErrUnexpectedEOF}
)

// carAdder adds the blocks of one CARv1 archive unchanged.
type carAdder struct {
	*output
	params Params
}

func (c *carAdder) addTop(name string, n files.Node) (cid.Cid, error) {
	defer n.Close()
	if c.params.Wrap {
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
	complete := !c.params.RequireRoot
	var buf bytes.Buffer
	for {
		if !c.params.HashOnly {
			buf = bytes.Buffer{} // the sink keeps the block
		}
		section, err := readCARSection(r, &buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cid.Undef, err
		}
		if len(section) == 0 {
			if err := c.checkPadding(r); err != nil {
				return cid.Undef, err
			}
			break
		}
		bc, block, err := splitCARBlock(section)
		if err != nil {
			return cid.Undef, err
		}
		if err := c.checkLinks(bc, block); err != nil {
			return cid.Undef, err
		}
		event.Bytes += uint64(len(block))
		if bc.Equals(root) {
			event.Size = fileSize(bc, block)
		}
		// Blocks are stored under their hashes, so the versions of the CIDs may differ.
		complete = complete || bc.Type() == root.Type() && bytes.Equal(bc.Hash(), root.Hash())
		if err := c.putBlock(bc, block); err != nil {
			return cid.Undef, err
		}
	}
	if !complete {
		return cid.Undef, &CARError{Reason: fmt.Sprintf("its root %s is not among its blocks", root)}
	}
	return root, c.sink.Emit(event)
}

// checkPadding is called after a section of length zero. A server treats it as the end
// of the archive, which may be padded with zeros. It would lose anything else that
// follows.
func (c *carAdder) checkPadding(r *bufio.Reader) error {
	if !c.params.HashOnly {
		return nil
	}
	for {
		b, err := r.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case b != 0:
			return &CARError{Reason: "it has bytes after a block of length zero, which a server treats as its end"}
		}
	}
}

// readCARSection returns the next section, or io.EOF only if there is none. The
// section is in buf, which it overwrites.
func readCARSection(r *bufio.Reader, buf *bytes.Buffer) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	size, err := varint.ReadUvarint(r)
	if errors.Is(err, varint.ErrOverflow) || errors.Is(err, varint.ErrNotMinimal) {
		return nil, &CARError{"a block has an invalid length", err}
	}
	if err != nil {
		return nil, cutBy(err, errCARCut)
	}
	if size > maxCARSection {
		return nil, errCARSection
	}
	// The buffer grows with the bytes that arrive, not with the announced size.
	buf.Reset()
	_, err = io.CopyN(buf, r, int64(size))
	if errors.Is(err, io.EOF) {
		return nil, errCARCut
	}
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// readCARHeader returns the single root of the archive.
func readCARHeader(r *bufio.Reader) (cid.Cid, error) {
	section, err := readCARSection(r, new(bytes.Buffer))
	if err != nil {
		return cid.Undef, cutBy(err, errCARCut)
	}
	return carRoot(section)
}

// splitCARBlock returns the CID and the block of a section. It fails if the
// block does not match its CID.
func splitCARBlock(section []byte) (cid.Cid, []byte, error) {
	n, c, err := cid.CidFromBytes(section)
	if err != nil {
		return cid.Undef, nil, &CARError{"a block has no valid CID", err}
	}
	block := section[n:]
	sum, err := c.Prefix().Sum(block)
	if err != nil {
		return cid.Undef, nil, &CARError{fmt.Sprintf("the hash of its block %s cannot be checked", c), err}
	}
	if !sum.Equals(c) {
		return cid.Undef, nil, &CARError{
			fmt.Sprintf("its block %s is damaged", c),
			fmt.Errorf("mismatch in content integrity, name: %s, data: %s", c, sum),
		}
	}
	return c, block, nil
}

// checkLinks checks that the links of a block can be decoded. If nothing is
// stored, other codecs are allowed, because some servers may know them.
func (c *carAdder) checkLinks(bc cid.Cid, block []byte) error {
	_, err := blockLinks(bc, block)
	if err == nil || c.params.HashOnly && errors.Is(err, errCodec) {
		return nil
	}
	return &CARError{fmt.Sprintf("its block %s cannot be decoded", bc), err}
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
