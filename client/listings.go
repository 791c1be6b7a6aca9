package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"unsafe"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// failed returns a listing that yields only err.
func failed[T any](err error) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, err) }
}

// Allocations implements Client.
func (c *defaultClient) Allocations(ctx context.Context, filter api.PinType) iter.Seq2[*api.Pin, error] {
	if filter&api.AllType == 0 || filter&^api.AllType != 0 {
		return failed[api.Pin](invalid(OpAllocations, "pin type filter %d: use api.AllType or the types to list", filter))
	}
	req := get(OpAllocations, "/allocations")
	req.query = "filter=" + url.QueryEscape(filter.Filter())
	return listing[api.Pin](ctx, c, req)
}

// StatusAll implements Client.
func (c *defaultClient) StatusAll(ctx context.Context, filter api.TrackerStatus, loc bool) iter.Seq2[*api.GlobalPinInfo, error] {
	req := get(OpStatusAll, "/pins")
	req.query = local(loc)
	if filter != api.TrackerStatusUndefined {
		names := filter.String()
		if api.TrackerStatusFromString(names) != filter {
			return failed[api.GlobalPinInfo](invalid(OpStatusAll, "status filter %d has unknown bits", filter))
		}
		req.query += "&filter=" + url.QueryEscape(names)
	}
	return listing[api.GlobalPinInfo](ctx, c, req)
}

// RecoverAll implements Client.
func (c *defaultClient) RecoverAll(ctx context.Context, loc bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return listing[api.GlobalPinInfo](ctx, c, &request{op: OpRecoverAll, method: http.MethodPost, path: "/pins/recover", query: local(loc)})
}

// StatusCids implements Client.
func (c *defaultClient) StatusCids(ctx context.Context, cids []cid.Cid, loc bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		b := &batcher{client: c, deadline: c.deadline(), local: loc, wanted: make(map[string]struct{}, len(cids))}
		for _, ci := range cids {
			if !ci.Defined() {
				yield(nil, invalid(OpStatusCids, "undefined CID"))
				return
			}
			if text := ci.String(); !b.isWanted(text) {
				b.wanted[text] = struct{}{}
				b.order = append(b.order, text)
			}
		}
		b.run(ctx, yield)
	}
}

// listing performs a request whose response is a stream of documents, and yields
// the documents. It also accepts the arrays of servers before v1.0.0.
func listing[T any](ctx context.Context, c *defaultClient, req *request) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		r, err := c.send(ctx, req)
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.close()
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNoContent {
			yield(nil, r.statusError(errors.New("a listing comes with status 200 or 204")))
			return
		}
		s := documents.NewDecoder(r.Body)
		for n := 0; ; n++ {
			item := new(T)
			err := r.next(s, item)
			if err == nil && req.collected {
				err = r.collect(s, unsafe.Sizeof(*item))
			}
			switch {
			case err == io.EOF:
				if err := r.listed(s, n); err != nil {
					yield(nil, err)
				}
				return
			case err != nil:
				yield(nil, r.brokenError(err))
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// listed returns an error if a listing of n items is incomplete or does not come
// from a cluster peer. It is called at the regular end of the listing.
func (r *response) listed(s *documents.Decoder, n int) error {
	if err := r.verify(s); err != nil {
		return err
	}
	switch {
	case n == 0 && r.req.op == OpPeers:
		// The contacted peer is a member itself. A server that cannot read its
		// list of members also returns an empty list.
		return r.brokenError(errors.New("the peer reported no members, not even itself"))
	case r.req.array && !s.IsArray():
		return r.brokenError(io.ErrUnexpectedEOF)
	case n > 0 && r.nulls == n:
		return r.brokenError(errors.New("this is not what a cluster peer answers: a list of nothing but null"))
	case n == 0 && r.StatusCode == http.StatusOK && !s.IsArray():
		// Servers answer an empty listing with 204, before v1.0.0 with [] or null.
		return r.brokenError(errors.New("an empty page is not what a cluster peer answers"))
	}
	return nil
}

// next decodes the next item of a streamed body. It fails once the exchange's
// context has ended, even if items are buffered.
func (r *response) next(s *documents.Decoder, item any) error {
	if r.ctx.Err() != nil {
		return ctxerr.Of(r.ctx)
	}
	if err := s.Next(item); err != nil {
		return err
	}
	if r.req.array && !s.IsArray() {
		return errors.New("this is not what a cluster peer answers: it is no array")
	}
	if r.req.array && string(s.Last()) == "null" {
		r.nulls++
		return nil // harmless, unless all items are null; see listed
	}
	return checkResult(item)
}

// maxCollected is the maximum memory of a listing that is held as a whole, in
// bytes. It suffices for the addresses that 220 peers know of each other, or for
// 50,000 metrics.
const maxCollected = 20 << 20

// itemOverhead is the estimated memory of an item without its content, in bytes.
// The estimate is high, so that maxCollected allows at most 100,000 items.
const itemOverhead = 256

// collect adds the memory of the last decoded item, and fails above maxCollected.
func (r *response) collect(s *documents.Decoder, size uintptr) error {
	if r.collected += itemOverhead + int(size) + documents.Memory(s.Last()); r.collected > maxCollected {
		return fmt.Errorf("a list that takes more than %d MiB of memory", maxCollected>>20)
	}
	return nil
}

// all returns all items of a listing.
func all[T any](ctx context.Context, c *defaultClient, req *request) ([]*T, error) {
	req.collected = true
	return Collect(listing[T](ctx, c, req))
}

// Collect returns the items of a listing as a slice, which is empty and not nil if
// there are none, or the error of the listing and no items. It holds all items in
// memory: read a large listing in a loop.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	items := []T{}
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
