package main

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// memberLimit is the time for which a server waits for another member of the
// cluster.
const memberLimit = 15 * time.Second

// deafness is the time in which one member hangs.
var deafness = span{10 * time.Second, 70 * time.Second}

var deafMember = &scenario{
	name:    "deaf-member",
	about:   "3 peers at 50 ms, 20 calls/s, half of them cluster-wide; the first hangs from 10 s to 70 s, so the others take 15 s for these; attempt timeout 5 s",
	length:  100 * time.Second,
	peers:   3,
	retries: 2,
	inOrder: true,
	options: []lbclient.Option{lbclient.WithAttemptTimeout(5 * time.Second)},
	special: only(0),
	event:   deafness, what: "hangs",
	answer:  around50,
	silent:  silentFirst(deafness),
	deaf:    true,
	prepare: func(w *world) { w.pins = newPinset(fewPins) },
	drive: mixedLoad(20, func(m *mixed, r *rand.Rand) func(context.Context) error {
		if r.IntN(2) == 0 {
			return m.read(makeCid("pinned", r.IntN(fewPins)))
		}
		return m.askAll(r)
	}),
	figures: []figure{
		failedCalls(ours...),
		{
			name: "ejections", about: "ejections of the other members", without: []string{baseline},
			of: func(r, _ *record) float64 {
				n := 0
				for _, e := range r.ejections {
					if e.peer != peerName(0) {
						n++
					}
				}
				return float64(n)
			},
			bar: &bar{most: 0, holds: ours},
		},
		wrongItems(),
	},
}

// askAll returns a cluster-wide call: the status of an item, the status of all
// items, or the list of the members.
func (m *mixed) askAll(r *rand.Rand) func(context.Context) error {
	ci := makeCid("pinned", r.IntN(fewPins))
	switch r.IntN(3) {
	case 0:
		return func(ctx context.Context) error {
			info, err := m.client.Status(ctx, ci, false)
			if err == nil && !info.Cid.Cid.Equals(ci) {
				m.wrongly(1)
			}
			return err
		}
	case 1:
		return func(ctx context.Context) error {
			return m.compare(m.pins.list(), cidsOf(m.client.StatusAll(ctx, api.TrackerStatusUndefined, false), func(i *api.GlobalPinInfo) api.Cid { return i.Cid }))
		}
	}
	return func(ctx context.Context) error {
		members, err := m.client.Peers(ctx)
		if err == nil && len(members) != m.scenario.peers {
			m.wrongly(1)
		}
		return err
	}
}

// Status is cluster-wide.
func (p *peer) Status(ctx context.Context, ci cid.Cid, _ bool) (*api.GlobalPinInfo, error) {
	begun := p.w.now()
	err := p.askMembers(ctx, client.OpStatus)
	p.w.attempted(ctx, p.index, begun, err)
	if err != nil {
		return nil, err
	}
	return &api.GlobalPinInfo{Cid: api.NewCid(ci)}, nil
}

// Peers is cluster-wide.
func (p *peer) Peers(ctx context.Context) ([]*api.ID, error) {
	begun := p.w.now()
	err := p.askMembers(ctx, client.OpPeers)
	p.w.attempted(ctx, p.index, begun, err)
	if err != nil {
		return nil, err
	}
	var members []*api.ID
	for i := range p.w.peers {
		members = append(members, &api.ID{Peername: peerName(i)})
	}
	return members, nil
}

// StatusAll is cluster-wide. Its first item comes when all members have answered.
func (p *peer) StatusAll(ctx context.Context, _ api.TrackerStatus, _ bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		begun := p.w.now()
		err := p.askMembers(ctx, client.OpStatusAll)
		p.w.attempted(ctx, p.index, begun, err)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, ci := range p.w.pins.list() {
			if !yield(&api.GlobalPinInfo{Cid: api.NewCid(ci)}, nil) {
				return
			}
		}
	}
}

// askMembers serves a cluster-wide request. The peer asks all other members at
// once and waits for the slowest one, but no longer than memberLimit.
func (p *peer) askMembers(ctx context.Context, op client.Op) error {
	if err := p.meet(ctx, op, p.answerTo(op)); err != nil {
		return err
	}
	var slowest time.Duration
	for _, member := range p.w.peers {
		if member != p {
			slowest = max(slowest, member.timeForMembers())
		}
	}
	return p.step(ctx, op, min(slowest, memberLimit))
}

// timeForMembers returns the time after which the peer answers another member, or
// refuses its connection.
func (p *peer) timeForMembers() time.Duration {
	if up, _ := p.w.process(p.index); !up {
		return roundTrip
	}
	after := p.answer().after
	if p.w.deaf {
		after = p.w.stretch(p.index, after)
	}
	return after
}

// peerName returns the name of the peer with the given index.
func peerName(index int) string { return fmt.Sprintf("peer-%d", index+1) }
