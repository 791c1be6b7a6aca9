package wirejson

import (
	"encoding/binary"
	"math/bits"

	"github.com/pinfleet/pinfleet/api"
)

// cid consumes a CID in any of the forms that api.Cid decodes.
func (d *Decoder) cid() (c api.Cid) {
	if d.null() {
		return c
	}
	begin := d.at
	if d.peek() == '"' {
		if binary := d.decodeCid(d.quoted()); binary != nil {
			if c, err := api.CastCid(binary); err == nil {
				return c
			}
		}
		d.at = begin
	}
	if raw := d.raw(); d.bad || c.UnmarshalJSON(raw) != nil {
		d.fail()
	}
	return c
}

// cidPointer consumes a CID, or null, which means none.
func (d *Decoder) cidPointer() *api.Cid {
	if d.null() {
		return nil
	}
	c := d.cid()
	return &c
}

// decodeCid returns the binary form of a CID in one of the usual encodings:
// base32 for version 1, base58 for version 0. It returns nil for others. The
// next call overwrites the result.
func (d *Decoder) decodeCid(text []byte) []byte {
	switch {
	case len(text) == cidV0Text && text[0] == 'Q' && text[1] == 'm':
		d.cidBytes = appendCidV0(d.cidBytes[:0], text)
	case len(text) > 1 && len(text) <= maxBase32 && text[0] == 'b':
		d.cidBytes = appendBase32(d.cidBytes[:0], text[1:])
	default:
		return nil
	}
	return d.cidBytes
}

// maxBase32 limits the text of a CID that is decoded here, in bytes. CIDs of
// identity hashes may be longer, but are rare.
const maxBase32 = 256

// A CID of version 0 is a sha2-256 multihash: 2 bytes of hash function and
// length, and the hash.
const (
	cidV0Text  = 46
	cidV0Bytes = 34
)

// appendCidV0 decodes 46 base58 digits. It converts them, ten at a time, to one
// number, held in 64-bit words, lowest first. It returns nil for an invalid
// digit, or if the number needs more than 34 bytes.
func appendCidV0(dst, text []byte) []byte {
	const step = 10 // 58^10 fits into 64 bits
	var words [5]uint64
	for len(text) > 0 {
		n := min(step, len(text))
		var value, scale uint64 = 0, 1
		for _, b := range text[:n] {
			digit := base58Digits[b]
			if digit == noDigit {
				return nil
			}
			value = value*58 + uint64(digit)
			scale *= 58
		}
		text = text[n:]
		for i, w := range words {
			high, low := bits.Mul64(w, scale)
			low, carry := bits.Add64(low, value, 0)
			words[i], value = low, high+carry
		}
	}
	if words[4]>>16 != 0 {
		return nil
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(words[4]))
	for i := 3; i >= 0; i-- {
		dst = binary.BigEndian.AppendUint64(dst, words[i])
	}
	return dst
}

// appendBase32 decodes lower-case base32 without padding. It returns nil for an
// invalid digit, or if bits are set after the last whole byte.
func appendBase32(dst, text []byte) []byte {
	var buffer uint64
	var count uint // bits in buffer
	for _, b := range text {
		digit := base32Digits[b]
		if digit == noDigit {
			return nil
		}
		buffer = buffer<<5 | uint64(digit)
		if count += 5; count == 40 {
			dst = append(dst, byte(buffer>>32), byte(buffer>>24), byte(buffer>>16), byte(buffer>>8), byte(buffer))
			buffer, count = 0, 0
		}
	}
	for ; count >= 8; count -= 8 {
		dst = append(dst, byte(buffer>>(count-8)))
	}
	if count >= 5 || buffer&(1<<count-1) != 0 {
		return nil
	}
	return dst
}

// noDigit marks bytes that are not digits.
const noDigit = 0xff

var (
	base32Digits = digits("abcdefghijklmnopqrstuvwxyz234567")
	base58Digits = digits("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
)

// digits returns a table of the value of each byte in the alphabet.
func digits(alphabet string) (values [256]byte) {
	for i := range values {
		values[i] = noDigit
	}
	for i := range len(alphabet) {
		values[alphabet[i]] = byte(i)
	}
	return values
}
