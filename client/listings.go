package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// failed is a listing that fails before anything is sent.
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
