package clustertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
)

const badFilter = "invalid filter value"

// target returns the CID of the path and the options of the query. If the CID
// is invalid, it answers the request and returns false. If an option is
// invalid, it sends 400, but the operation runs with the options parsed so far,
// and its answer follows in the same body (Q1).
func (p *Peer) target(w http.ResponseWriter, r *http.Request, vars map[string]string) (api.Cid, api.PinOptions, bool) {
	ci, err := api.DecodeCid(vars["hash"])
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, "error decoding Cid: "+err.Error())
		return ci, api.PinOptions{}, false
	}
	return ci, p.options(w, r), true
}

// options parses the options of the query; see target.
func (p *Peer) options(w http.ResponseWriter, r *http.Request) api.PinOptions {
	var opts api.PinOptions
	query := r.URL.Query()
	if err := opts.FromQuery(query); err != nil {
		p.sendCode(w, http.StatusBadRequest, err.Error())
	}
	p.c.expireIn(&opts, query)
	return opts
}

// expireIn recomputes ExpireAt from the query's expire-in and the cluster's
// clock. Package api has computed it from the wall clock.
func (c *Cluster) expireIn(opts *api.PinOptions, query url.Values) {
	in, err := time.ParseDuration(query.Get("expire-in"))
	if err == nil && query.Get("expire-at") == "" && !opts.ExpireAt.IsZero() {
		opts.ExpireAt = c.now().Add(in)
	}
}

func isLocal(r *http.Request) bool { return r.URL.Query().Get("local") == "true" }

func (p *Peer) handlePin(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, opts, ok := p.target(w, r, vars)
	if !ok {
		return
	}
	// MaxDepth stays that of a recursive pin, regardless of the mode (Q2).
	pin := api.PinCid(ci)
	pin.PinOptions = opts
	pin, err := p.c.pin(pin, false)
	p.sendPin(w, pin, err)
}

func (p *Peer) handleUnpin(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, _, ok := p.target(w, r, vars)
	if !ok {
		return
	}
	pin, err := p.c.unpin(ci)
	p.sendPin(w, pin, err)
}

// sendPin sends the answer of a pin or unpin.
func (p *Peer) sendPin(w http.ResponseWriter, pin api.Pin, err error) {
	if err == nil && p.c.opts.Legacy&LegacyAccepted != 0 {
		p.setHeaders(w)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	send(p, w, pin, err)
}

func (p *Peer) handleAllocation(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, _, ok := p.target(w, r, vars)
	if !ok {
		return
	}
	p.c.mu.Lock()
	p.c.refresh()
	rec := p.c.pins.get(ci)
	p.c.mu.Unlock()
	if rec == nil {
		p.sendError(w, errNotFound)
		return
	}
	p.sendJSON(w, http.StatusOK, rec.pin)
}

func (p *Peer) handleAllocations(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	var filter api.PinType
	for name := range strings.SplitSeq(r.URL.Query().Get("filter"), ",") {
		filter |= api.PinTypeFromString(name)
	}
	if filter == api.BadType {
		p.sendCode(w, http.StatusBadRequest, badFilter)
		return
	}
	p.stream(w, r, func(_ context.Context, emit func(any) error) error {
		for _, rec := range p.c.snapshot() {
			if rec.pin.Type&filter == 0 {
				continue
			}
			if err := emit(rec.pin); err != nil {
				return err
			}
		}
		return nil
	})
}

// snapshot returns the current records in datastore order. Their pins do not
// change any more, but their tracking does.
func (c *Cluster) snapshot() []*record {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	return slices.Clone(c.pins.all())
}

func (p *Peer) handleStatus(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, _, ok := p.target(w, r, vars)
	if !ok {
		return
	}
	if isLocal(r) {
		p.sendJSON(w, http.StatusOK, p.c.localStatus(ci, p))
		return
	}
	p.sendJSON(w, http.StatusOK, p.c.globalStatus(ci, p.c.status))
}

func (p *Peer) handleStatusAll(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	q := r.URL.Query()
	// With CIDs, the daemon ignores the filter, even an invalid one.
	if list := q.Get("cids"); list != "" {
		p.handleStatusCids(w, r, strings.Split(list, ","))
		return
	}
	filter := api.TrackerStatusFromString(q.Get("filter"))
	if filter == api.TrackerStatusUndefined && q.Get("filter") != "" {
		p.sendCode(w, http.StatusBadRequest, badFilter)
		return
	}
	if isLocal(r) {
		p.stream(w, r, p.listLocal(filter))
		return
	}
	p.stream(w, r, p.c.listGlobal(filter))
}

func (p *Peer) handleStatusCids(w http.ResponseWriter, r *http.Request, texts []string) {
	cids := make([]api.Cid, len(texts))
	for i, text := range texts {
		var err error
		if cids[i], err = api.DecodeCid(text); err != nil {
			p.sendCode(w, http.StatusBadRequest, "error decoding Cid: "+err.Error())
			return
		}
	}
	rand.Shuffle(len(cids), func(i, j int) { cids[i], cids[j] = cids[j], cids[i] })
	p.stream(w, r, func(_ context.Context, emit func(any) error) error {
		for _, ci := range cids {
			item := p.c.globalStatus(ci, p.c.status)
			if isLocal(r) {
				item = p.c.localStatus(ci, p)
			}
			if err := emit(item); err != nil {
				return err
			}
		}
		return nil
	})
}

// listLocal lists the peer's own view.
func (p *Peer) listLocal(filter api.TrackerStatus) source {
	return func(_ context.Context, emit func(any) error) error {
		p.c.mu.Lock()
		failure := p.listingError(filter)
		p.c.mu.Unlock()
		if failure != "" {
			return errors.New(failure)
		}
		return p.c.list(filter, p.c.snapshot(), []*Peer{p}, nil, emit)
	}
}

// listGlobal lists the views of all members, in random order (Q5).
func (c *Cluster) listGlobal(filter api.TrackerStatus) source {
	return func(_ context.Context, emit func(any) error) error {
		records := c.snapshot()
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		c.mu.Lock()
		working, failures := c.listing(filter)
		c.mu.Unlock()
		return c.list(filter, records, working, failures, emit)
	}
}

// listing returns the members that can answer a listing. For the others, it
// returns the entries with their errors, by peer ID. c.mu must be held.
func (c *Cluster) listing(filter api.TrackerStatus) ([]*Peer, map[string]api.PinInfoShort) {
	var working []*Peer
	failures := make(map[string]api.PinInfoShort)
	for _, p := range c.members() {
		failure := p.listingError(filter)
		if failure == "" {
			working = append(working, p)
			continue
		}
		info := p.infoShort()
		info.Status, info.TS, info.Error = api.TrackerStatusClusterError, c.now(), failure
		failures[p.idText] = info
	}
	return working, failures
}

// list emits an item for each record that passes the filter at one or more of
// the peers. The item contains the status at these peers, and the failures.
func (c *Cluster) list(filter api.TrackerStatus, records []*record, peers []*Peer, failures map[string]api.PinInfoShort, emit func(any) error) error {
	if filter != 0 && filter&stateFilter == 0 {
		c.mu.Lock()
		for _, removal := range c.unpins {
			records = append(records, removal)
		}
		c.mu.Unlock()
	}
	for _, rec := range records {
		item := newGlobal(rec.pin)
		c.mu.Lock()
		now := c.now()
		for _, p := range peers {
			if info, ok := c.listed(rec, p, filter, now); ok {
				item.PeerMap[p.idText] = info
			}
		}
		c.mu.Unlock()
		if err := emitFound(item, failures, emit); err != nil {
			return err
		}
	}
	return nil
}

// emitFound adds failures to an item that at least one peer has reported, and
// emits it.
func emitFound(item api.GlobalPinInfo, failures map[string]api.PinInfoShort, emit func(any) error) error {
	if len(item.PeerMap) == 0 {
		return nil
	}
	for id, info := range failures {
		item.PeerMap[id] = info
	}
	return emit(item)
}

func (p *Peer) handleRecover(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, _, ok := p.target(w, r, vars)
	if !ok {
		return
	}
	if !isLocal(r) {
		p.sendJSON(w, http.StatusOK, p.c.globalStatus(ci, p.c.recoverStatus))
		return
	}
	info, err := p.c.recoverLocal(ci, p)
	send(p, w, info, err)
}

// recoverStatus retries a failed operation on a record at a peer, if there is
// one, and returns the record's status afterwards. c.mu must be held.
func (c *Cluster) recoverStatus(rec *record, p *Peer, now time.Time) api.PinInfoShort {
	if info := c.status(rec, p, now); !c.recover(rec, p, info.Status) {
		return info
	}
	return c.status(rec, p, now)
}

func (c *Cluster) recoverLocal(ci api.Cid, p *Peer) (api.GlobalPinInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.refresh()
	rec := c.pins.get(ci)
	if rec == nil {
		return api.GlobalPinInfo{}, errNotFound
	}
	item := newGlobal(rec.pin)
	item.PeerMap[p.idText] = c.recoverStatus(rec, p, now)
	return item, nil
}

func (p *Peer) handleRecoverAll(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	p.stream(w, r, func(_ context.Context, emit func(any) error) error {
		p.c.mu.Lock()
		working, failures := p.c.listing(0)
		p.c.mu.Unlock()
		if isLocal(r) {
			if failure, down := failures[p.idText]; down {
				return errors.New(failure.Error)
			}
			working, failures = []*Peer{p}, nil
		}
		for _, rec := range p.c.snapshot() {
			if err := emitFound(p.c.recoverListed(rec, working), failures, emit); err != nil {
				return err
			}
		}
		return nil
	})
}

// recoverListed retries failed operations on a record. It considers only the
// given peers that list the record as failed, and returns the record's status
// at these peers afterwards.
func (c *Cluster) recoverListed(rec *record, peers []*Peer) api.GlobalPinInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	item := newGlobal(rec.pin)
	now := c.now()
	for _, p := range peers {
		info, _ := c.listed(rec, p, 0, now)
		if !c.recover(rec, p, info.Status) {
			continue
		}
		// The daemon answers before it processes the queue, so the pin is still queued.
		info, _ = c.listed(rec, p, 0, now)
		if t := rec.tracked[p.index]; t.status == api.TrackerStatusPinQueued {
			info.Status, info.TS, info.Error = t.status, t.since, ""
			info.AttemptCount, info.PriorityPin = t.attempts, t.priority
		}
		item.PeerMap[p.idText] = info
	}
	return item
}
