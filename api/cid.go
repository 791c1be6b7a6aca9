package api

import (
	"encoding/json"
	"fmt"

	"github.com/ipfs/go-cid"
)

// maxCidText bounds the text of a CID, because decoding base58 and base36 takes
// quadratic time and a hostile document must not choose the length. Real CIDs have
// 46 to 200 characters.
const maxCidText = 4096

// Cid is a content identifier. Its JSON form is a string, or null if undefined. The
// zero value is undefined.
type Cid struct {
	cid.Cid
}

// CidUndef is the undefined Cid.
var CidUndef Cid

// NewCid wraps a go-cid value.
func NewCid(c cid.Cid) Cid { return Cid{Cid: c} }

// DecodeCid parses the text form of a CID: version 0 in base58, version 1 in any
// multibase. Text of more than 4096 characters is an error. The other errors are
// those of go-cid, which the server sends verbatim.
func DecodeCid(text string) (Cid, error) {
	if len(text) > maxCidText {
		return CidUndef, fmt.Errorf("invalid cid: text of %d characters is longer than %d", len(text), maxCidText)
	}
	c, err := cid.Decode(text)
	if err != nil {
		return CidUndef, err
	}
	return Cid{Cid: c}, nil
}

// CastCid parses the binary form of a CID.
func CastCid(b []byte) (Cid, error) {
	c, err := cid.Cast(b)
	if err != nil {
		return CidUndef, err
	}
	return Cid{Cid: c}, nil
}

// Equals reports whether both CIDs have the same version, codec and multihash. Two
// undefined CIDs are equal.
func (c Cid) Equals(other Cid) bool { return c.Cid.Equals(other.Cid) }

// MarshalJSON encodes the CID as a string, or as null if it is undefined.
func (c Cid) MarshalJSON() ([]byte, error) {
	if !c.Defined() {
		return []byte("null"), nil
	}
	return []byte(`"` + c.String() + `"`), nil
}

// UnmarshalJSON decodes a string, null, the empty string, or the object
// {"/":"<cid>"} that servers before v1.0.0 send.
func (c *Cid) UnmarshalJSON(b []byte) error {
	text, err := cidText(b)
	if err != nil {
		return err
	}
	if text == "" {
		*c = CidUndef
		return nil
	}
	decoded, err := DecodeCid(text)
	if err != nil {
		return err
	}
	*c = decoded
	return nil
}

func cidText(b []byte) (string, error) {
	if len(b) == 0 || b[0] != '{' {
		return jsonString(b)
	}
	var link struct {
		Text string `json:"/"`
	}
	if err := json.Unmarshal(b, &link); err != nil {
		return "", err
	}
	return link.Text, nil
}
