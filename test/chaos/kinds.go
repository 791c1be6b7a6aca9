//go:build unix

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// kind is a kind of calls. weight is its share of the calls in per cent.
type kind struct {
	name   string
	weight int
	do     func(c *caller, ctx context.Context) error
}

// kinds returns all kinds.
func kinds() []kind {
	return []kind{
		{"add", 8, (*caller).add},
		{"add a stream", 4, (*caller).addStream},
		{"pin", 10, (*caller).pin},
		{"unpin", 3, (*caller).unpin},
		{"allocation", 15, (*caller).allocation},
		{"status", 15, (*caller).status},
		{"status of some", 5, (*caller).statusSome},
		{"status of all", 5, (*caller).statusAll},
		{"pinset", 5, (*caller).pinset},
		{"members", 5, (*caller).members},
		{"id", 10, (*caller).id},
		{"version", 10, (*caller).version},
		{"metric names", 5, (*caller).metricNames},
	}
}

// choose returns a random kind.
func choose(r *rand.Rand) kind {
	all := kinds()
	sum := 0
	for _, k := range all {
		sum += k.weight
	}
	at := r.IntN(sum)
	for _, k := range all {
		if at -= k.weight; at < 0 {
			return k
		}
	}
	return all[0] // not reached
}

func (c *caller) add(ctx context.Context) error {
	return c.addWith(ctx, func(ctx context.Context, content []byte, params *api.AddParams, out chan<- *api.AddedOutput) error {
		path, err := c.tempFile(content)
		if err != nil {
			close(out)
			return err
		}
		defer os.Remove(path)
		return c.client.Add(ctx, []string{path}, params, out)
	})
}

func (c *caller) addStream(ctx context.Context) error {
	return c.addWith(ctx, func(ctx context.Context, content []byte, params *api.AddParams, out chan<- *api.AddedOutput) error {
		dir := files.NewSliceDirectory([]files.DirEntry{files.FileEntry("stream", files.NewBytesFile(content))})
		return c.client.AddMultiFile(ctx, files.NewMultiFileReader(dir, true, false), params, out)
	})
}

// addFunc adds content.
type addFunc func(ctx context.Context, content []byte, params *api.AddParams, out chan<- *api.AddedOutput) error

// addWith adds a new file and checks the reports.
func (c *caller) addWith(ctx context.Context, add addFunc) error {
	f := newFile(c.rand, c.settings.seed, c.number)
	content := f.content()
	want, err := rootOf(ctx, content)
	if err != nil {
		return err
	}
	c.ledger.begin(want, f)
	out := make(chan *api.AddedOutput)
	var got []cid.Cid
	received := make(chan struct{})
	go func() {
		defer close(received)
		for o := range out {
			got = append(got, o.Cid.Cid)
		}
	}()
	ctx, call := traced(ctx)
	err = add(ctx, content, api.DefaultAddParams(), out)
	<-received
	switch {
	case err != nil:
		return err
	case len(got) != 1 || !got[0].Equals(want):
		return wrong("reported %v, want %s", got, want)
	}
	// If there were several attempts, a paused peer may execute the first one when it
	// continues, even after an unpin. So such an item must stay pinned.
	c.ledger.added(want, c.peerOf(call), call.attempts != 1 || c.rand.IntN(4) > 0)
	return nil
}

// about calls do with an item that is pinned.
func (c *caller) about(do func(root cid.Cid) (api.Cid, error)) error {
	root, ok := c.ledger.some(c.rand)
	if !ok {
		return errNothingToDo
	}
	got, err := do(root)
	if err == nil && !got.Cid.Equals(root) {
		return wrong("asked about %s, got %s", root, got)
	}
	return err
}

func (c *caller) pin(ctx context.Context) error {
	return c.about(func(root cid.Cid) (api.Cid, error) {
		pin, err := c.client.Pin(ctx, root, api.PinOptions{})
		if err != nil {
			return api.CidUndef, err
		}
		return pin.Cid, nil
	})
}

func (c *caller) unpin(ctx context.Context) error {
	root, ok := c.ledger.take()
	if !ok {
		return errNothingToDo
	}
	ctx, call := traced(ctx)
	_, err := c.client.Unpin(ctx, root)
	switch {
	case err == nil && c.peerOf(call) == nobody && !c.consistent:
		// A repeated request found nothing to unpin. The peer may not have heard of the
		// add yet.
	case err == nil:
		c.ledger.removed(root, c.peerOf(call))
	case c.isLate(err):
		return errNothingToDo // the peer has not heard of the add yet
	}
	return err
}

// peerOf returns the peer at which a call has succeeded, or nobody.
func (l *load) peerOf(call *trace) int { return slices.Index(l.names, call.endpoint) }

func (c *caller) allocation(ctx context.Context) error {
	return c.about(func(root cid.Cid) (api.Cid, error) {
		pin, err := c.client.Allocation(ctx, root)
		switch {
		case c.isLate(err):
			return api.NewCid(root), nil
		case err != nil:
			return api.CidUndef, err
		}
		return pin.Cid, nil
	})
}

// isLate reports whether err says that a peer of a real cluster does not have an
// item, which may be because it has not heard of the item yet.
func (c *caller) isLate(err error) bool {
	return !c.consistent && errors.Is(err, client.ErrNotFound)
}

func (c *caller) status(ctx context.Context) error {
	return c.about(func(root cid.Cid) (api.Cid, error) {
		info, err := c.client.Status(ctx, root, false)
		if err != nil {
			return api.CidUndef, err
		}
		return info.Cid, nil
	})
}

func (c *caller) id(ctx context.Context) error {
	_, err := c.client.ID(ctx)
	return err
}

func (c *caller) version(ctx context.Context) error {
	_, err := c.client.Version(ctx)
	return err
}

func (c *caller) metricNames(ctx context.Context) error {
	_, err := c.client.MetricNames(ctx)
	return err
}

func (c *caller) members(ctx context.Context) error {
	members, err := c.client.Peers(ctx)
	if err == nil && len(members) == 0 {
		return wrong("no members")
	}
	return err
}

// someItems is the number of items in a call for the status of some.
const someItems = 20

func (c *caller) statusSome(ctx context.Context) error {
	roots := c.ledger.keptNow()
	if len(roots) == 0 {
		return errNothingToDo
	}
	c.rand.Shuffle(len(roots), func(i, j int) { roots[i], roots[j] = roots[j], roots[i] })
	roots = roots[:min(len(roots), someItems)]
	return complete(roots, cidsOfInfos(c.client.StatusCids(ctx, roots, false)))
}

// listed returns the items that every peer must list now.
func (c *caller) listed() []cid.Cid {
	if !c.consistent {
		return nil
	}
	return c.ledger.keptNow()
}

func (c *caller) statusAll(ctx context.Context) error {
	return complete(c.listed(), cidsOfInfos(c.client.StatusAll(ctx, api.TrackerStatusUndefined, false)))
}

func (c *caller) pinset(ctx context.Context) error {
	return complete(c.listed(), cidsOfPins(c.client.Allocations(ctx, api.AllType)))
}
