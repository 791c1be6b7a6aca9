package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

// maxCidsQuery bounds the cids parameter of one request, in bytes: about 145
// CIDs of version 0 or 115 of version 1, well inside the header limit of a
// server with default settings.
const maxCidsQuery = 6800

// batcher asks for the status of many CIDs, in requests that fit the server's
// header limit.
type batcher struct {
	client   *defaultClient
	deadline time.Time // of the call
	local    bool
	order    []string            // texts of the CIDs that were not asked for yet, each once
	wanted   map[string]struct{} // texts of those not yet reported
	// unfiltered says that the server does not know the cids parameter and
	// lists the whole pinset, as servers before v0.14.5 do.
	unfiltered bool
}

type yieldStatus = func(*api.GlobalPinInfo, error) bool

// run yields the status of each CID.
func (b *batcher) run(ctx context.Context, yield yieldStatus) {
	room := b.room(ctx)
	for len(b.order) > 0 {
		var batch []string
		size := 0
		for _, text := range b.order {
			if size += len(text) + 1; size > room && len(batch) > 0 {
				break
			}
			batch = append(batch, text)
		}
		b.order = b.order[len(batch):]
		if !b.ask(ctx, batch, yield) {
			return
		}
	}
}

// request is the one that lists CIDs, without them.
func (b *batcher) request() *request {
	req := get(OpStatusCids, "/pins")
	req.query = local(b.local) + "&cids="
	req.deadline = b.deadline
	return req
}

// room returns how many bytes of CIDs fit a request.
func (b *batcher) room(ctx context.Context) int {
	req := b.request()
	target, err := b.client.target(req)
	if err != nil {
		return maxCidsQuery
	}
	// If there are no credentials to be had, the request itself will say so.
	authorization, _ := b.client.auth.Authorization(ctx)
	header, err := b.client.headerFor(ctx, req, authorization)
	if err != nil {
		return maxCidsQuery
	}
	hreq := &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: header}
	return min(maxCidsQuery, maxRequestHead-headSize(hreq))
}

// ask yields the status of each CID in batch. It returns whether to go on.
func (b *batcher) ask(ctx context.Context, batch []string, yield yieldStatus) bool {
	if !b.unfiltered && !b.list(ctx, batch, yield) {
		return false
	}
	for _, text := range batch {
		if !b.isWanted(text) {
			continue
		}
		if b.unfiltered {
			// Not in the pinset, so not in the list of such a server.
			req := growing(OpStatusCids, "/pins/"+text)
			req.query, req.deadline = local(b.local), b.deadline
			info, err := call[api.GlobalPinInfo](ctx, b.client, req)
			if err != nil {
				yield(nil, err)
				return false
			}
			if !b.report(info, yield) {
				return false
			}
		}
		if b.isWanted(text) {
			yield(nil, &Error{Op: OpStatusCids, Endpoint: b.client.endpoint.Name, Status: http.StatusOK, MayHaveExecuted: true,
				Err: fmt.Errorf("%w: the server did not report %s", ErrIncomplete, text)})
			return false
		}
	}
	return true
}

// list yields what the server lists for batch. It returns whether to go on.
func (b *batcher) list(ctx context.Context, batch []string, yield yieldStatus) bool {
	req := b.request()
	req.query += strings.Join(batch, ",")
	asked := make(map[string]bool, len(batch))
	for _, text := range batch {
		asked[text] = true
	}
	for info, err := range listing[api.GlobalPinInfo](ctx, b.client, req) {
		if err != nil {
			yield(nil, err)
			return false
		}
		if !asked[info.Cid.String()] {
			b.unfiltered = true
		}
		if !b.report(info, yield) {
			return false
		}
	}
	return true
}

// report yields info if it is still wanted.
func (b *batcher) report(info *api.GlobalPinInfo, yield yieldStatus) bool {
	text := info.Cid.String()
	if !b.isWanted(text) {
		return true
	}
	delete(b.wanted, text)
	return yield(info, nil)
}

func (b *batcher) isWanted(text string) bool {
	_, wanted := b.wanted[text]
	return wanted
}
