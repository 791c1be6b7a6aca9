package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"net/http"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// lbListing measures the memory of listings over the load balancer, which holds what it
// has delivered.
func lbListing(ctx context.Context, r *report) error {
	docs, err := newDocuments()
	if err != nil {
		return err
	}
	pins, err := docs.pins()
	if err != nil {
		return err
	}
	s, err := serve(streamingDistinct(pins[:bytes.IndexByte(pins, '\n')+1], manyItems))
	if err != nil {
		return err
	}
	defer s.close()
	cfg, err := s.config()
	if err != nil {
		return err
	}
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, []*config.Config{cfg}, retries)
	if err != nil {
		return err
	}
	defer c.Close()
	held := func() float64 { return heap() + float64(c.ListingMemory()) }
	// The load balancer does not know the length of the first listing.
	for _, name := range []string{"first_peak_mb", "peak_mb"} {
		r.values[name], err = peakOf(ctx, held, func(ctx context.Context) error {
			return count(c.Allocations(ctx, api.AllType), manyItems)
		})
		if err != nil {
			return err
		}
	}
	r.values["peak_mb"] = max(r.values["peak_mb"], r.values["first_peak_mb"])
	return nil
}

// streamingDistinct answers with a line n times, each time with another CID. It holds only
// one piece of the answer.
func streamingDistinct(line []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Trailer", "X-Stream-Error")
		first, rest, _ := bytes.Cut(line, []byte(`"cid":"`))
		_, last, _ := bytes.Cut(rest, []byte(`"`))
		out := make([]byte, 0, piece+len(line)+len(cidPrefix))
		for i := range n {
			out = appendCid(append(append(out, first...), `"cid":"`...), i)
			out = append(append(out, '"'), last...)
			if len(out) < piece && i < n-1 {
				continue
			}
			if _, err := w.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		w.Header().Set("X-Stream-Error", "")
	}
}

var (
	// cidPrefix is the start of a CID of version 1 of a raw block with a SHA-256 hash.
	cidPrefix = []byte{1, cid.Raw, multihash.SHA2_256, sha256.Size}
	// cidBase is the encoding of such a CID, which the letter b precedes.
	cidBase = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// appendCid appends the text of a different CID for each i. Unlike the package cid, it
// allocates nothing.
func appendCid(text []byte, i int) []byte {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], uint64(i))
	sum := sha256.Sum256(number[:])
	var binaryCid [4 + sha256.Size]byte
	copy(binaryCid[copy(binaryCid[:], cidPrefix):], sum[:])
	return cidBase.AppendEncode(append(text, 'b'), binaryCid[:])
}
