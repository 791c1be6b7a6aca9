//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

// check checks, after the load, what was promised during it.
type check struct {
	*load
	peers    []client.Client
	promised []promise        // must be pinned
	removed  []promise        // must not be pinned
	lost     map[cid.Cid]bool // the items of which the cluster has lost a pin, see checkPinset
}

func newCheck(l *load, peers []client.Client) *check {
	return &check{load: l, peers: peers, promised: l.ledger.promises(pinned), removed: l.ledger.promises(unpinned), lost: map[cid.Cid]bool{}}
}

// run checks everything.
func (c *check) run(ctx context.Context) {
	c.settled = time.Now().Add(c.settings.settle)
	c.nudge(ctx)
	for i := range c.peers {
		c.checkPinset(ctx, i)
	}
	for i := range c.peers {
		if err := c.eventually(ctx, func(ctx context.Context) error { return c.statusAt(ctx, i) }); err != nil {
			c.record.violated("adds that are not pinned", "peer %d: %v", i, err)
		}
	}
	but := ""
	if len(c.lost) > 0 {
		but = ", apart from what the cluster has lost"
	}
	c.record.found("%d adds, each pinned at every peer; %d unpinned items, none of them in a pinset%s", len(c.promised), len(c.removed), but)
	c.readAll(ctx)
}

// nudge adds a file at each peer of a real cluster. With CRDT consensus, a peer that
// has missed an update while it was down gets it together with the next one.
func (c *check) nudge(ctx context.Context) {
	if c.consistent {
		return
	}
	for i, peer := range c.peers {
		one := c.newCaller()
		one.client = peer
		if err := c.eventually(ctx, one.add); err != nil {
			c.record.violated("peers that do not work after the load", "peer %d: %v", i, err)
		}
	}
}

// eventually calls do until it succeeds or l.settled has passed, at least once. Each
// time has the deadline of a call.
func (l *load) eventually(ctx context.Context, do func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, l.settings.deadline)
		err := do(once)
		cancel()
		if err == nil || !time.Now().Before(l.settled) || !sleep.For(ctx, 500*time.Millisecond) {
			return err
		}
	}
}

// mistake is a promise that does not hold at a peer.
type mistake struct {
	promise
	text string
}

// checkPinset compares a peer's pinset with what was promised. What another peer has
// confirmed, an existing cluster can have lost on the way to this one.
func (c *check) checkPinset(ctx context.Context, peer int) {
	var found []mistake
	err := c.eventually(ctx, func(ctx context.Context) (err error) {
		if found, err = c.mistakesAt(ctx, peer); err == nil && len(found) > 0 {
			return errMistakes
		}
		return err
	})
	if err != nil && !errors.Is(err, errMistakes) {
		c.record.violated("wrong pinsets", "peer %d: %v", peer, err)
		return
	}
	for _, m := range found {
		if c.consistent || m.peer == peer {
			c.record.violated("wrong pinsets", "peer %d: %s %s", peer, m.root, m.text)
			continue
		}
		c.lost[m.root] = true
		c.record.lapsed("peer %d: %s %s; peer %d had confirmed it", peer, m.root, m.text, m.peer)
	}
}

// errMistakes means that there are mistakes.
var errMistakes = errors.New("the pinset differs from what was promised")

// mistakesAt returns the promises that do not hold in a peer's pinset.
func (c *check) mistakesAt(ctx context.Context, peer int) (found []mistake, err error) {
	has := map[cid.Cid]bool{}
	for pin, err := range c.peers[peer].Allocations(ctx, api.AllType) {
		if err != nil {
			return nil, err
		}
		has[pin.Cid.Cid] = true
	}
	for _, p := range c.promised {
		if !has[p.root] {
			found = append(found, mistake{p, "was added, but is not in the pinset"})
		}
	}
	for _, p := range c.removed {
		if has[p.root] {
			found = append(found, mistake{p, "was unpinned, but is in the pinset"})
		}
	}
	return found, nil
}

// statusAt checks that all peers have pinned what was promised, according to one. An item
// of which the cluster has lost a pin may be unpinned at some of them.
func (c *check) statusAt(ctx context.Context, peer int) error {
	var roots []cid.Cid
	for _, p := range c.promised {
		roots = append(roots, p.root)
	}
	n := 0
	for info, err := range c.peers[peer].StatusCids(ctx, roots, false) {
		if err != nil {
			return err
		}
		n++
		good := api.TrackerStatusPinned | api.TrackerStatusRemote
		if c.lost[info.Cid.Cid] {
			good |= api.TrackerStatusUnpinned
		}
		for name, at := range info.PeerMap {
			if !at.Status.Match(good) {
				return fmt.Errorf("%s is %s at peer %s: %s", info.Cid, at.Status, name, at.Error)
			}
		}
	}
	if n != len(roots) {
		return fmt.Errorf("the status of %d items, want %d", n, len(roots))
	}
	return nil
}

// readers is the number of files that are read at the same time.
const readers = 4

// readAll reads what was promised and compares the bytes.
func (c *check) readAll(ctx context.Context) {
	todo := make(chan int)
	var active sync.WaitGroup
	for range readers {
		active.Go(func() {
			for i := range todo {
				root := c.promised[i].root
				if err := c.eventually(ctx, func(ctx context.Context) error { return c.read(ctx, root, i%len(c.peers)) }); err != nil {
					c.record.violated("adds that cannot be read", "%s: %v", root, err)
				}
			}
		})
	}
	for i := range c.promised {
		todo <- i
	}
	close(todo)
	active.Wait()
	c.record.found("%d files read back from the peers' IPFS daemons", len(c.promised))
}

// read reads a file from a peer's IPFS proxy and compares its bytes.
func (c *check) read(ctx context.Context, root cid.Cid, peer int) error {
	base, ipfs, err := c.peers[peer].IPFS(ctx)
	if err != nil {
		return err
	}
	target := base.JoinPath("api/v0/cat")
	target.RawQuery = url.Values{"arg": {root.String()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), nil)
	if err != nil {
		return err
	}
	resp, err := ipfs.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	want := c.ledger.fileOf(root).content()
	got, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(want))+1))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("peer %d: %s: %q", peer, resp.Status, got)
	case !bytes.Equal(got, want):
		return fmt.Errorf("peer %d: %d bytes that differ from the %d that were added", peer, len(got), len(want))
	}
	return nil
}
