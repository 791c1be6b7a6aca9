package unixfs

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
)

// TestCAREnd: servers treat a block of length zero as the end of an archive, which
// may be padded with zeros, and store blocks under their hashes. The client refused
// padded archives, and a root of version 0 whose block has a CID of version 1, although
// servers pin both as they are. What follows the padding would be lost.
func TestCAREnd(t *testing.T) {
	from, want := mustImport(t, []part{file("f", "hello")}, Params{})
	good := carOf(t, from, want.Root)
	block := from.blocks[want.Root]
	v1 := cid.NewCidV1(cid.DagProtobuf, want.Root.Hash())
	for name, tc := range map[string]struct {
		car    []byte
		reason string // why it is refused; empty if it is not
	}{
		"one zero":                      {append(bytes.Clone(good), 0), ""},
		"many zeros":                    {append(bytes.Clone(good), make([]byte, 100_000)...), ""},
		"a block after zeros":           {append(append(bytes.Clone(good), 0, 0), carSection(v1.Bytes(), block)...), "treats as its end"},
		"root behind a zero":            {append(append(carHeader(t, 1, want.Root), carSection(rawBlock(t, []byte("x")))...), append([]byte{0}, carSection(want.Root.Bytes(), block)...)...), "treats as its end"},
		"root of version 0, block of 1": {append(carHeader(t, 1, want.Root), carSection(v1.Bytes(), block)...), ""},
		"root with another codec":       {append(carHeader(t, 1, cid.NewCidV1(cid.Raw, want.Root.Hash())), carSection(v1.Bytes(), block)...), "not among its blocks"},
	} {
		_, err := Import(context.Background(), single(bytes.NewReader(tc.car)), Params{Format: "car", RequireRoot: true, HashOnly: true}, newMemory())
		var bad *CARError
		switch {
		case tc.reason == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.reason != "" && (!errors.As(err, &bad) || !strings.Contains(bad.Reason, tc.reason)):
			t.Errorf("%s: got the error %v, want one with %q", name, err, tc.reason)
		}
	}
}
