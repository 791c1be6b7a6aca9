//go:build unix

package main

import (
	"iter"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// complete checks that a listing has no duplicates and all wanted items.
func complete(want []cid.Cid, listing iter.Seq2[cid.Cid, error]) error {
	seen := map[cid.Cid]bool{}
	for ci, err := range listing {
		if err != nil {
			return err
		}
		if seen[ci] {
			return wrong("%s is listed twice", ci)
		}
		seen[ci] = true
	}
	for _, ci := range want {
		if !seen[ci] {
			return wrong("%s, which was pinned before, is not among the %d listed items", ci, len(seen))
		}
	}
	return nil
}

// cidsOfPins returns the CIDs of a listing of pins.
func cidsOfPins(pins iter.Seq2[*api.Pin, error]) iter.Seq2[cid.Cid, error] {
	return mapped(pins, func(pin *api.Pin) cid.Cid { return pin.Cid.Cid })
}

// cidsOfInfos returns the CIDs of a listing of status.
func cidsOfInfos(infos iter.Seq2[*api.GlobalPinInfo, error]) iter.Seq2[cid.Cid, error] {
	return mapped(infos, func(info *api.GlobalPinInfo) cid.Cid { return info.Cid.Cid })
}

// mapped returns a listing with f applied to each item.
func mapped[T, U any](listing iter.Seq2[T, error], f func(T) U) iter.Seq2[U, error] {
	return func(yield func(U, error) bool) {
		for item, err := range listing {
			var mapped U
			if err == nil {
				mapped = f(item)
			}
			if !yield(mapped, err) {
				return
			}
		}
	}
}
