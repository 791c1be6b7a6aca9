package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

// maxCidsQuery is the maximum size of the cids parameter of one request, in bytes.
// It suffices for about 145 CIDs of version 0 or 115 of version 1, and is well
// below the header limit of a server with default settings.
const maxCidsQuery = 6800

// batcher requests the status of many CIDs, in requests that fit the server's
// header limit.
type batcher struct {
	client   *defaultClient
	deadline time.Time // of the call
	local    bool
	order    []string            // CIDs not requested yet, without duplicates
	wanted   map[string]struct{} // CIDs not reported yet
	// unfiltered is set when the server turns out to ignore the cids parameter
	// and to list the whole pinset, as servers before v0.14.5 do.
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

// request returns the request of a batch, with an empty list of CIDs.
func (b *batcher) request() *request {
	req := get(OpStatusCids, "/pins")
	req.query = local(b.local) + "&cids="
	req.deadline = b.deadline
	return req
}

// room returns the number of bytes that one request has for CIDs.
func (b *batcher) room(ctx context.Context) int {
	req := b.request()
	target, err := b.client.target(req)
	if err != nil {
		return maxCidsQuery
	}
	// The error is ignored here, because sending the request returns it as well.
	authorization, _ := b.client.auth.Authorization(ctx)
	header, err := b.client.headerFor(ctx, req, authorization)
	if err != nil {
		return maxCidsQuery
	}
	hreq := &http.Request{Method: http.MethodGet, URL: target, Host: target.Host, Header: header}
	return min(maxCidsQuery, b.client.maxHead()-headSize(hreq))
}

// ask yields the status of each CID in batch, and reports whether to continue.
func (b *batcher) ask(ctx context.Context, batch []string, yield yieldStatus) bool {
	if !b.unfiltered && !b.list(ctx, batch, yield) {
		return false
	}
	for _, text := range batch {
		if !b.isWanted(text) {
			continue
		}
		if b.unfiltered {
			// The server lists only the pinset, and text is not in it.
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

// list yields the items that the server lists for batch, and reports whether to
// continue.
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

// report yields info if its CID is wanted and not yet reported. It reports whether
// to continue.
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
