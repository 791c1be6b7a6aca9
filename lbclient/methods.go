package lbclient

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	ipfspath "github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
)

// ask makes a call that has a single result.
func ask[T any](ctx context.Context, c *Client, cl *call, do func(context.Context, client.Client) (T, error)) (result T, err error) {
	if c.hedging.covers(cl.asked.Op) {
		first := &firstResult[T]{}
		cl.hedged = first.attemptFunc(do)
		if err := c.run(ctx, cl, cl.hedged); err != nil {
			return result, err // without first's value, which a losing attempt may still set
		}
		return first.get(), nil
	}
	err = c.run(ctx, cl, func(ctx context.Context, p client.Client) error {
		r, err := do(ctx, p)
		if err == nil {
			result = r
		}
		return err
	})
	return result, err
}

// get is ask for a method that has no arguments.
func get[T any](ctx context.Context, c *Client, op client.Op, method func(client.Client, context.Context) (T, error)) (T, error) {
	return ask(ctx, c, newCall(op, ""), func(ctx context.Context, p client.Client) (T, error) { return method(p, ctx) })
}

// ID implements [client.Client].
func (c *Client) ID(ctx context.Context) (*api.ID, error) {
	return get(ctx, c, client.OpID, client.Client.ID)
}

// Peers implements [client.Client].
func (c *Client) Peers(ctx context.Context) ([]*api.ID, error) {
	return get(ctx, c, client.OpPeers, client.Client.Peers)
}

// PeerAdd implements [client.Client].
func (c *Client) PeerAdd(ctx context.Context, pid peer.ID) (*api.ID, error) {
	return ask(ctx, c, newCall(client.OpPeerAdd, ""), func(ctx context.Context, p client.Client) (*api.ID, error) { return p.PeerAdd(ctx, pid) })
}

// PeerRm implements [client.Client].
func (c *Client) PeerRm(ctx context.Context, pid peer.ID) error {
	return c.run(ctx, newCall(client.OpPeerRm, ""), func(ctx context.Context, p client.Client) error { return p.PeerRm(ctx, pid) })
}

// Pin implements [client.Client].
func (c *Client) Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error) {
	return ask(ctx, c, newCall(client.OpPin, keyOf(ci)), func(ctx context.Context, p client.Client) (*api.Pin, error) { return p.Pin(ctx, ci, opts) })
}

// Unpin implements [client.Client]. If an attempt that failed may have been executed,
// and a retry finds nothing to unpin, the call succeeds. The Pin that it returns then
// has only its Cid field set.
func (c *Client) Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	pin, err := ask(ctx, c, newCall(client.OpUnpin, keyOf(ci)), func(ctx context.Context, p client.Client) (*api.Pin, error) { return p.Unpin(ctx, ci) })
	if wasUnpinned(err) {
		return &api.Pin{Cid: api.NewCid(ci)}, nil
	}
	return pin, err
}

// newPathCall returns a call about an IPFS path. Two peers may resolve a mutable path
// (/ipns/…) to different CIDs, so that a second attempt could pin or unpin something
// else. It is made only if the first was provably not executed.
func newPathCall(op client.Op, path string) *call {
	cl := newCall(op, path)
	if p, err := ipfspath.NewPath(path); err == nil && p.Mutable() {
		cl.class = client.ReplayOnce
	}
	return cl
}

// PinPath implements [client.Client]. A call with a mutable path (/ipns/…) is retried
// only if the request was provably not sent, because another peer may resolve the path
// to another CID.
func (c *Client) PinPath(ctx context.Context, path string, opts api.PinOptions) (*api.Pin, error) {
	return ask(ctx, c, newPathCall(client.OpPinPath, path), func(ctx context.Context, p client.Client) (*api.Pin, error) { return p.PinPath(ctx, path, opts) })
}

// UnpinPath implements [client.Client]. Like [Client.Unpin], it succeeds if a retry
// finds nothing to unpin. The Pin that it returns then has at most its Cid field set,
// namely if path is a CID, with or without the prefix /ipfs/. A call with a mutable path
// is retried as rarely as that of [Client.PinPath].
func (c *Client) UnpinPath(ctx context.Context, path string) (*api.Pin, error) {
	pin, err := ask(ctx, c, newPathCall(client.OpUnpinPath, path), func(ctx context.Context, p client.Client) (*api.Pin, error) { return p.UnpinPath(ctx, path) })
	if wasUnpinned(err) {
		ci, _ := api.DecodeCid(strings.TrimPrefix(path, "/ipfs/"))
		return &api.Pin{Cid: ci}, nil
	}
	return pin, err
}

// wasUnpinned reports whether an unpin ended with a 404 that may be the effect of an
// earlier attempt of the same call. The upstream client returned that 404 although the
// unpin was executed (U15).
func wasUnpinned(err error) bool {
	var e *AttemptsError
	if !errors.As(err, &e) || e.Cause != nil || !errors.Is(e.last(), client.ErrNotFound) {
		return false
	}
	return slices.ContainsFunc(e.Attempts[:len(e.Attempts)-1], mayHaveExecuted)
}

// Allocations implements [client.Client].
func (c *Client) Allocations(ctx context.Context, filter api.PinType) iter.Seq2[*api.Pin, error] {
	return list(ctx, c, listing[api.Pin]{
		op:  client.OpAllocations,
		cid: func(pin *api.Pin) cid.Cid { return pin.Cid.Cid },
		open: func(ctx context.Context, p client.Client, _ *cidtable.Set) iter.Seq2[*api.Pin, error] {
			return p.Allocations(ctx, filter)
		},
	})
}

// Allocation implements [client.Client].
func (c *Client) Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	return ask(ctx, c, newCall(client.OpAllocation, keyOf(ci)), func(ctx context.Context, p client.Client) (*api.Pin, error) { return p.Allocation(ctx, ci) })
}

// Status implements [client.Client].
func (c *Client) Status(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error) {
	return ask(ctx, c, newCall(client.OpStatus, keyOf(ci)).at(local), func(ctx context.Context, p client.Client) (*api.GlobalPinInfo, error) {
		return p.Status(ctx, ci, local)
	})
}

// StatusCids implements [client.Client]. After a failure, it requests only the CIDs
// that are still missing.
func (c *Client) StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	cids = slices.Clone(cids)
	return list(ctx, c, listing[api.GlobalPinInfo]{
		op:    client.OpStatusCids,
		local: local,
		cid:   infoCid,
		open: func(ctx context.Context, p client.Client, seen *cidtable.Set) iter.Seq2[*api.GlobalPinInfo, error] {
			return p.StatusCids(ctx, missing(cids, seen), local)
		},
		complete: func(seen *cidtable.Set) bool { return len(cids) > 0 && len(missing(cids, seen)) == 0 },
	})
}

// StatusAll implements [client.Client].
func (c *Client) StatusAll(ctx context.Context, filter api.TrackerStatus, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return list(ctx, c, listing[api.GlobalPinInfo]{
		op:    client.OpStatusAll,
		local: local,
		cid:   infoCid,
		open: func(ctx context.Context, p client.Client, _ *cidtable.Set) iter.Seq2[*api.GlobalPinInfo, error] {
			return p.StatusAll(ctx, filter, local)
		},
	})
}

// Recover implements [client.Client].
func (c *Client) Recover(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error) {
	return ask(ctx, c, newCall(client.OpRecover, keyOf(ci)).at(local), func(ctx context.Context, p client.Client) (*api.GlobalPinInfo, error) {
		return p.Recover(ctx, ci, local)
	})
}

// RecoverAll implements [client.Client].
func (c *Client) RecoverAll(ctx context.Context, local bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return list(ctx, c, listing[api.GlobalPinInfo]{
		op:    client.OpRecoverAll,
		local: local,
		cid:   infoCid,
		open: func(ctx context.Context, p client.Client, _ *cidtable.Set) iter.Seq2[*api.GlobalPinInfo, error] {
			return p.RecoverAll(ctx, local)
		},
	})
}

// Alerts implements [client.Client].
func (c *Client) Alerts(ctx context.Context) ([]*api.Alert, error) {
	return get(ctx, c, client.OpAlerts, client.Client.Alerts)
}

// BandwidthByProtocol implements [client.Client].
func (c *Client) BandwidthByProtocol(ctx context.Context) (api.BandwidthByProtocol, error) {
	return get(ctx, c, client.OpBandwidthByProtocol, client.Client.BandwidthByProtocol)
}

// Version implements [client.Client].
func (c *Client) Version(ctx context.Context) (*api.Version, error) {
	return get(ctx, c, client.OpVersion, client.Client.Version)
}

// IPFS implements [client.Client].
func (c *Client) IPFS(ctx context.Context) (*url.URL, *http.Client, error) {
	var base *url.URL
	hc, err := ask(ctx, c, newCall(client.OpIPFS, ""), func(ctx context.Context, p client.Client) (hc *http.Client, err error) {
		base, hc, err = p.IPFS(ctx)
		return hc, err
	})
	if err != nil {
		return nil, nil, err
	}
	return base, hc, nil
}

// ConnectGraph implements [client.Client].
func (c *Client) ConnectGraph(ctx context.Context) (*api.ConnectGraph, error) {
	return get(ctx, c, client.OpConnectGraph, client.Client.ConnectGraph)
}

// Metrics implements [client.Client].
func (c *Client) Metrics(ctx context.Context, name string) ([]*api.Metric, error) {
	return ask(ctx, c, newCall(client.OpMetrics, ""), func(ctx context.Context, p client.Client) ([]*api.Metric, error) { return p.Metrics(ctx, name) })
}

// MetricNames implements [client.Client].
func (c *Client) MetricNames(ctx context.Context) ([]string, error) {
	return get(ctx, c, client.OpMetricNames, client.Client.MetricNames)
}

// RepoGC implements [client.Client]. It is retried only if the request was provably
// not sent, because a second garbage collection must not follow the first.
func (c *Client) RepoGC(ctx context.Context, local bool) (*api.GlobalRepoGC, error) {
	return ask(ctx, c, newCall(client.OpRepoGC, ""), func(ctx context.Context, p client.Client) (*api.GlobalRepoGC, error) { return p.RepoGC(ctx, local) })
}

// Health implements [client.Client].
func (c *Client) Health(ctx context.Context) error {
	return c.run(ctx, newCall(client.OpHealth, ""), func(ctx context.Context, p client.Client) error { return p.Health(ctx) })
}

// Token implements [client.Client].
func (c *Client) Token(ctx context.Context) (*api.Token, error) {
	return get(ctx, c, client.OpToken, client.Client.Token)
}

func infoCid(info *api.GlobalPinInfo) cid.Cid { return info.Cid.Cid }

// keyOf returns the key of a CID for the strategy: its binary form, which needs no
// encoding. The key of an undefined CID is empty.
func keyOf(ci cid.Cid) string { return ci.KeyString() }
