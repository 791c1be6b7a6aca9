//go:build unix

package main

import (
	"bytes"
	"errors"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/ipfs/go-cid"
)

// TestContent checks that a file's content can be made again, and that files differ.
func TestContent(t *testing.T) {
	roots := map[cid.Cid]bool{}
	r := rand.New(rand.NewPCG(1, 1))
	for n := range uint64(100) {
		f := newFile(r, 1, n)
		content := f.content()
		if !bytes.Equal(content, f.content()) || len(content) < f.size {
			t.Fatalf("file %+v has %d bytes, or changes", f, len(content))
		}
		root, err := rootOf(t.Context(), content)
		if err != nil || roots[root] {
			t.Fatalf("file %+v has the CID %s, error %v", f, root, err)
		}
		roots[root] = true
	}
}

// TestComplete checks that duplicates and gaps of a listing are noticed.
func TestComplete(t *testing.T) {
	var cids []cid.Cid
	for n := range uint64(3) {
		root, err := rootOf(t.Context(), file{number: n, size: 1}.content())
		if err != nil {
			t.Fatal(err)
		}
		cids = append(cids, root)
	}
	errBroken := errors.New("broken")
	listing := func(err error, items ...cid.Cid) iter.Seq2[cid.Cid, error] {
		return func(yield func(cid.Cid, error) bool) {
			for _, ci := range items {
				if !yield(ci, nil) {
					return
				}
			}
			if err != nil {
				yield(cid.Undef, err)
			}
		}
	}
	var isWrong wrongError
	if err := complete(cids[:2], listing(nil, cids...)); err != nil {
		t.Error(err)
	}
	if err := complete(cids, listing(nil, cids[1:]...)); !errors.As(err, &isWrong) {
		t.Errorf("a gap: error %v", err)
	}
	if err := complete(nil, listing(nil, cids[0], cids[1], cids[0])); !errors.As(err, &isWrong) {
		t.Errorf("a duplicate: error %v", err)
	}
	if err := complete(cids, listing(errBroken)); err != errBroken {
		t.Errorf("a failed listing: error %v", err)
	}
}
