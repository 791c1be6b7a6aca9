package unixfs

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-varint"
)

const (
	// maxCARHeader limits the header of an archive that OpenCAR and CheckCARHead
	// accept, in bytes. A header with one root has about 60.
	maxCARHeader = 4 << 10
	// maxFirstCID limits the length and the CID of the first section, in bytes.
	maxFirstCID = 512
	// carV2Pragma begins an archive of version 2.
	carV2Pragma = "\x0a\xa1\x67version\x02"
	// carV2Header is the size of the header after the pragma, in bytes.
	carV2Header = 40
)

// CARHeadSize is the number of bytes at the beginning of an archive that
// [CheckCARHead] needs.
const CARHeadSize = maxCARHeader + maxFirstCID

// CARError reports what is wrong with a CAR archive. Errors of the reader that
// the archive comes from are not CARErrors.
type CARError struct {
	// Reason is a sentence without a full stop, with "it" for the archive.
	Reason string
	// Err is the error with the server's wording, if the server has one.
	Err error
}

func (e *CARError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return e.Err.Error()
}

func (e *CARError) Unwrap() error { return e.Err }

// CheckCARHead checks the header of a CARv1 archive and the beginning of its
// first block. head contains the first CARHeadSize bytes of the archive, or all
// bytes if there are fewer. A real server cannot be asked instead: it panics if
// there is no block (Q3 in docs/upstream-faults.md). The error is a *CARError.
func CheckCARHead(head []byte) error {
	if len(head) == 0 {
		return &CARError{"it is empty", io.ErrUnexpectedEOF}
	}
	size, n, err := varint.FromUvarint(head)
	if err != nil {
		return &CARError{"it is not a CAR archive", err}
	}
	// A page of HTML, for example, seems to have a header of 60 bytes, and other
	// files seem to have huge ones.
	if size > maxCARHeader {
		return &CARError{Reason: fmt.Sprintf("it is not a CAR archive with one root: the header has %d bytes", size)}
	}
	rest := head[n:]
	if size > uint64(len(rest)) {
		return &CARError{"it is not a CAR archive, or ends in the middle of the header", io.ErrUnexpectedEOF}
	}
	if _, err := carRoot(rest[:size]); err != nil {
		return err
	}
	return checkFirstSection(rest[size:])
}

// checkFirstSection checks the length and the CID of the first section.
func checkFirstSection(b []byte) error {
	if len(b) == 0 {
		return &CARError{"it has a header but no blocks", ErrEmpty}
	}
	size, n, err := varint.FromUvarint(b)
	if err != nil {
		return &CARError{"its first block has an invalid length", err}
	}
	if size > maxCARSection {
		return errCARSection
	}
	section := b[n:]
	section = section[:min(size, uint64(len(section)))]
	if _, _, err := cid.CidFromBytes(section); err != nil {
		return &CARError{"its first block has no valid CID", err}
	}
	return nil
}

// OpenCAR checks the beginning of the archive in r like [CheckCARHead]. It
// returns a reader of the archive in version 1, the only one that servers accept:
// an archive of version 2 is unwrapped while it is read, and its index is left
// out. If an archive of version 2 ends early, Read returns a *CARError.
func OpenCAR(r io.Reader) (io.Reader, error) {
	archive := bufio.NewReaderSize(r, CARHeadSize)
	head, err := peek(archive)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte(carV2Pragma)) {
		payload, err := carV2Payload(archive)
		if err != nil {
			return nil, err
		}
		archive = bufio.NewReaderSize(payload, CARHeadSize)
		if head, err = peek(archive); err != nil {
			return nil, err
		}
	}
	return archive, CheckCARHead(head)
}

// peek returns the next CARHeadSize bytes, or all if there are fewer.
func peek(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(CARHeadSize)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
}

// carV2Payload returns the archive of version 1 in an archive of version 2.
func carV2Payload(r *bufio.Reader) (io.Reader, error) {
	cut := &CARError{"it is a CAR of version 2 that ends before its blocks", io.ErrUnexpectedEOF}
	var head [len(carV2Pragma) + carV2Header]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cutBy(err, cut)
	}
	// The header has 16 bytes of flags, then the offset and the size of the payload
	// and the offset of the index.
	offset := binary.LittleEndian.Uint64(head[len(carV2Pragma)+16:])
	size := binary.LittleEndian.Uint64(head[len(carV2Pragma)+24:])
	if offset < uint64(len(head)) || size == 0 || int64(offset) < 0 || int64(size) < 0 {
		return nil, &CARError{Reason: "it is a CAR of version 2 with an invalid or unfinished header"}
	}
	if _, err := io.CopyN(io.Discard, r, int64(offset)-int64(len(head))); err != nil {
		return nil, cutBy(err, cut)
	}
	return &payloadReader{r: r, left: int64(size)}, nil
}

// cutBy returns cut if err is the end of an archive, and otherwise err.
func cutBy(err error, cut *CARError) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return cut
	}
	return err
}

// payloadReader reads the payload of an archive of version 2.
type payloadReader struct {
	r    io.Reader
	left int64
}

func (p *payloadReader) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	if err == io.EOF && p.left > 0 {
		err = &CARError{
			fmt.Sprintf("it is a CAR of version 2 whose blocks end %d bytes early", p.left),
			io.ErrUnexpectedEOF,
		}
	}
	return n, err
}

// carRoot returns the single root in the header of a CARv1.
func carRoot(header []byte) (cid.Cid, error) {
	version, roots, err := decodeCARHeader(header)
	switch {
	case err != nil:
		return cid.Undef, &CARError{"it is not a CAR archive", fmt.Errorf("invalid header: %w", err)}
	case version != 1:
		return cid.Undef, &CARError{"it is a CAR of another version than 1", fmt.Errorf("invalid car version: %d", version)}
	case len(roots) == 0:
		return cid.Undef, &CARError{"it has no root", errors.New("empty car, no roots")}
	case len(roots) > 1:
		return cid.Undef, &CARError{
			fmt.Sprintf("it has %d roots, but only one can be pinned", len(roots)),
			errors.New("only CAR files with a single root are supported"),
		}
	}
	return roots[0], nil
}

// decodeCARHeader decodes the header of an archive: a map of its version and,
// in version 1, its roots.
func decodeCARHeader(header []byte) (version uint64, roots []cid.Cid, err error) {
	d := cborDecoder(header)
	n, err := d.expect(cborMap)
	if err != nil {
		return 0, nil, err
	}
	seen := make(map[string]bool)
	for range n {
		key, err := d.text()
		if err != nil {
			return 0, nil, err
		}
		if seen[key] {
			return 0, nil, fmt.Errorf("%q twice", key)
		}
		seen[key] = true
		switch key {
		case "version":
			version, err = d.expect(cborUint)
		case "roots":
			roots, err = d.links()
		default:
			err = fmt.Errorf("unknown field %q", key)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	switch {
	case len(d) > 0:
		return 0, nil, errors.New("bytes after the header")
	case !seen["version"]:
		return 0, nil, errors.New("no version")
	}
	return version, roots, nil
}
