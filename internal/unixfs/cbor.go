package unixfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// Details of DAG-CBOR (IPLD's specification of that name). A link is tag 42 of
// the bytes of a CID after a zero byte.
const (
	cborLinkTag = 42
	// maxCBORDepth limits how deeply arrays and maps are nested.
	maxCBORDepth = 1024
)

var errCBORDepth = errors.New("dag-cbor: nested too deep")

// cborDecoder decodes DAG-CBOR from the front of a byte slice, which it
// shortens. Like the decoders of servers, it accepts integers and lengths that
// are not in their shortest form. It accepts no indefinite lengths.
type cborDecoder []byte

// head decodes the head of an item: its major type and its argument. For simple
// values and floats, the argument is the additional information.
func (d *cborDecoder) head() (major byte, arg uint64, err error) {
	if len(*d) == 0 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	first := (*d)[0]
	major, arg = first>>5, uint64(first&31)
	*d = (*d)[1:]
	if arg < 24 {
		return major, arg, nil
	}
	if arg > 27 {
		return 0, 0, fmt.Errorf("dag-cbor: byte 0x%02x begins no item", first)
	}
	size := 1 << (arg - 24)
	b, err := d.take(uint64(size))
	if err != nil {
		return 0, 0, err
	}
	if major == cborSimple {
		return major, arg, nil
	}
	var wide [8]byte
	copy(wide[8-size:], b)
	return major, binary.BigEndian.Uint64(wide[:]), nil
}

// take returns the next n bytes.
func (d *cborDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(*d)) {
		return nil, io.ErrUnexpectedEOF
	}
	b := (*d)[:n]
	*d = (*d)[n:]
	return b, nil
}

// expect decodes the head of an item of one major type.
func (d *cborDecoder) expect(major byte) (arg uint64, err error) {
	got, arg, err := d.head()
	if err == nil && got != major {
		err = fmt.Errorf("dag-cbor: major type %d instead of %d", got, major)
	}
	return arg, err
}

func (d *cborDecoder) text() (string, error) {
	n, err := d.expect(cborText)
	if err != nil {
		return "", err
	}
	b, err := d.take(n)
	return string(b), err
}

// key skips the key of a map, and any tags before it.
func (d *cborDecoder) key() error {
	for len(*d) > 0 && (*d)[0]>>5 == cborTag {
		if _, _, err := d.head(); err != nil {
			return err
		}
	}
	_, err := d.text()
	return err
}

func (d *cborDecoder) link() (cid.Cid, error) {
	tag, err := d.expect(cborTag)
	if err != nil {
		return cid.Undef, err
	}
	return d.tagged(tag)
}

// links decodes an array of links.
func (d *cborDecoder) links() ([]cid.Cid, error) {
	n, err := d.expect(cborArray)
	if err != nil {
		return nil, err
	}
	var links []cid.Cid
	for range n {
		c, err := d.link()
		if err != nil {
			return nil, err
		}
		links = append(links, c)
	}
	return links, nil
}

// tagged decodes the item after a tag, which must be that of a link.
func (d *cborDecoder) tagged(tag uint64) (cid.Cid, error) {
	if tag != cborLinkTag {
		return cid.Undef, fmt.Errorf("dag-cbor: tag %d instead of %d", tag, cborLinkTag)
	}
	n, err := d.expect(cborBytes)
	if err != nil {
		return cid.Undef, err
	}
	b, err := d.take(n)
	if err != nil {
		return cid.Undef, err
	}
	if len(b) == 0 || b[0] != 0 {
		return cid.Undef, errors.New("dag-cbor: link without a zero byte before its CID")
	}
	return cid.Cast(b[1:])
}

// cborLinks returns the links in a DAG-CBOR block, in their order.
func cborLinks(block []byte) ([]cid.Cid, error) {
	d := cborDecoder(block)
	links, err := d.skip(nil, 0)
	if err != nil {
		return nil, err
	}
	if len(d) > 0 {
		return nil, errors.New("dag-cbor: bytes after the block")
	}
	return links, nil
}

// skip decodes an item at the given depth and appends its links.
func (d *cborDecoder) skip(links []cid.Cid, depth int) ([]cid.Cid, error) {
	if depth > maxCBORDepth {
		return nil, errCBORDepth
	}
	major, arg, err := d.head()
	if err != nil {
		return nil, err
	}
	switch major {
	case cborBytes, cborText:
		_, err = d.take(arg)
	case cborArray:
		for ; arg > 0 && err == nil; arg-- {
			links, err = d.skip(links, depth+1)
		}
	case cborMap:
		for ; arg > 0 && err == nil; arg-- {
			if err = d.key(); err == nil {
				links, err = d.skip(links, depth+1)
			}
		}
	case cborTag:
		if len(*d) == 0 || (*d)[0]>>5 != cborBytes {
			return d.skip(links, depth+1) // tags of other items are ignored
		}
		var c cid.Cid
		c, err = d.tagged(arg)
		links = append(links, c)
	case cborSimple:
		err = checkCBORSimple(arg)
	}
	return links, err
}

// checkCBORSimple accepts false, true, null, undefined and floats, as the servers' decoder
// does.
func checkCBORSimple(info uint64) error {
	switch info {
	case 20, 21, 22, 23, 25, 26, 27:
		return nil
	default:
		return fmt.Errorf("dag-cbor: simple value %d", info)
	}
}

// appendCBORHead appends the head of an item in its shortest form.
func appendCBORHead(b []byte, major byte, arg uint64) []byte {
	switch first := major << 5; {
	case arg < 24:
		return append(b, first|byte(arg))
	case arg <= 0xff:
		return append(b, first|24, byte(arg))
	case arg <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, first|25), uint16(arg))
	case arg <= 0xffffffff:
		return binary.BigEndian.AppendUint32(append(b, first|26), uint32(arg))
	default:
		return binary.BigEndian.AppendUint64(append(b, first|27), arg)
	}
}

func appendCBORText(b []byte, s string) []byte {
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

func appendCBORLink(b []byte, c cid.Cid) []byte {
	b = appendCBORHead(b, cborTag, cborLinkTag)
	b = appendCBORHead(b, cborBytes, uint64(1+c.ByteLen()))
	return append(append(b, 0), c.KeyString()...)
}
