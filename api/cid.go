package api

import (
	"encoding/json"
	"fmt"

	"github.com/ipfs/go-cid"
)

// maxCidText bounds the text of a CID on the wire. Decoding base58 and base36
// costs quadratic time, so a hostile document must not choose the length. Real
// CIDs have 46 to 200 characters.
const maxCidText = 4096

// Cid is a content identifier as the API writes it: a JSON string, or null when
// undefined. The zero value is undefined.
type Cid struct {
	cid.Cid
}

// CidUndef is the undefined Cid.
var CidUndef Cid

// NewCid wraps a go-cid value.
func NewCid(c cid.Cid) Cid { return Cid{Cid: c} }

// DecodeCid parses the text form of a CID: version 0 in base58, version 1 in
// any multibase. Errors are those of go-cid, which the server repeats verbatim.
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

// Equals tells whether both CIDs have the same version, codec and multihash.
// Two undefined CIDs are equal.
func (c Cid) Equals(other Cid) bool { return c.Cid.Equals(other.Cid) }

// MarshalJSON encodes the CID as a string, or null when undefined.
func (c Cid) MarshalJSON() ([]byte, error) {
	if !c.Defined() {
		return []byte("null"), nil
	}
	return []byte(`"` + c.String() + `"`), nil
}

// UnmarshalJSON accepts a string, null, the empty string, and the object
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
