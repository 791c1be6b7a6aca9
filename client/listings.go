package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
)

// maxCidsQuery bounds the cids parameter of one request, in bytes: about 145
// CIDs of version 0 or 115 of version 1, well inside the header limit of a
// server with default settings.
const maxCidsQuery = 6800

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
		wanted := make(map[string]cid.Cid, len(cids)) // not yet reported, by text
		for _, ci := range cids {
			if !ci.Defined() {
				yield(nil, invalid(OpStatusCids, "undefined CID"))
				return
			}
			wanted[ci.String()] = ci
		}
		for batch := range batches(cids) {
			if !c.statusBatch(ctx, batch, loc, wanted, yield) {
				return
			}
		}
	}
}

// batches groups the texts of cids, each once, so that a group fits a request.
func batches(cids []cid.Cid) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var batch []string
		size := 0
		seen := make(map[string]bool, len(cids))
		for _, ci := range cids {
			text := ci.String()
			if seen[text] {
				continue
			}
			seen[text] = true
			if size+len(text)+1 > maxCidsQuery && len(batch) > 0 {
				if !yield(batch) {
					return
				}
				batch, size = nil, 0
			}
			batch = append(batch, text)
			size += len(text) + 1
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// statusBatch yields the status of each CID in batch and removes it from
// wanted. It returns whether to go on.
func (c *defaultClient) statusBatch(ctx context.Context, batch []string, loc bool, wanted map[string]cid.Cid, yield func(*api.GlobalPinInfo, error) bool) bool {
	req := get(OpStatusCids, "/pins")
	req.query = local(loc) + "&cids=" + strings.Join(batch, ",")
	filtered := true // the server knows the parameter
	for info, err := range listing[api.GlobalPinInfo](ctx, c, req) {
		if err != nil {
			yield(nil, err)
			return false
		}
		text := info.Cid.String()
		if _, ok := wanted[text]; !ok {
			// Servers before v0.14.5 list the whole pinset.
			filtered = false
			continue
		}
		delete(wanted, text)
		if !yield(info, nil) {
			return false
		}
	}
	for _, text := range batch {
		ci, missing := wanted[text]
		if !missing {
			continue
		}
		if filtered {
			yield(nil, &Error{Op: OpStatusCids, Endpoint: c.endpoint.Name, Status: http.StatusOK, MayHaveExecuted: true,
				Err: fmt.Errorf("%w: the server did not report %s", ErrIncomplete, text)})
			return false
		}
		// Not in the pinset, so not in the list of such a server.
		info, err := c.Status(ctx, ci, loc)
		if err != nil {
			yield(nil, err)
			return false
		}
		delete(wanted, text)
		if !yield(info, nil) {
			return false
		}
	}
	return true
}
