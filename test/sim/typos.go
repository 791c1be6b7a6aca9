package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

var typos = &scenario{
	name:    "typos",
	about:   "3 peers at 50 ms, 100 calls/s; 30 % of the calls are mistakes that the peers answer with 500",
	length:  time.Minute,
	peers:   3,
	retries: 2,
	special: only(-1),
	answer:  around50,
	prepare: func(w *world) { w.pins = newPinset(fewPins) },
	drive: mixedLoad(100, func(m *mixed, r *rand.Rand) func(context.Context) error {
		m.calls++
		switch percent := r.IntN(100); {
		case percent < 60:
			return m.read(makeCid("pinned", r.IntN(fewPins)))
		case percent < 70:
			return m.pin(makeCid("pin", m.calls%newPins))
		}
		return m.mistake(r)
	}),
	figures: []figure{
		{
			name: "ejections", about: "ejections", without: []string{baseline},
			of:  func(r, _ *record) float64 { return float64(len(r.ejections)) },
			bar: &bar{most: 0, holds: ours},
		},
		{
			name: "failed", about: "good calls that failed, and mistakes that were not reported as such",
			of:  func(r, _ *record) float64 { return float64(r.failed()) },
			bar: &bar{most: 0, holds: ours},
		},
		wrongItems(),
	},
}

// The server's texts (v1.1.6) for the caller's mistakes. All have the status 500.
const (
	tooManyCopies = "not enough peers to allocate CID. Needed at least: %d. Wanted at most: %d. Available candidates: %d. See logs for more info."
	pastExpiry    = "pin.ExpireAt set before current time"
	otherMode     = "cannot repin a CID which is already pinned in recursive mode (new pin is pinned as direct). Unpin it first."
	noSuchPath    = "IPFS error (resolve?arg=%s). Code: 500. Message: no link named %q under %s"
)

// mistake returns a call that peers answer with 500. The call succeeds, as far as
// the record is concerned, if it returns that answer.
func (m *mixed) mistake(r *rand.Rand) func(context.Context) error {
	ci := makeCid("pinned", r.IntN(fewPins))
	kind := r.IntN(4)
	return func(ctx context.Context) error {
		var err error
		switch kind {
		case 0:
			_, err = m.client.Pin(ctx, ci, api.PinOptions{ReplicationFactorMin: 9, ReplicationFactorMax: 9})
		case 1:
			_, err = m.client.Pin(ctx, ci, api.PinOptions{ExpireAt: time.Now().Add(-time.Hour)})
		case 2:
			_, err = m.client.Pin(ctx, ci, api.PinOptions{Mode: api.PinModeDirect})
		default:
			_, err = m.client.PinPath(ctx, ci.String()+"/nothere", api.PinOptions{})
		}
		var answer *client.Error
		switch {
		case err == nil:
			return errors.New("a mistake was not noticed")
		case errors.As(err, &answer) && answer.Status == http.StatusInternalServerError:
			return nil
		}
		return err
	}
}

// PinPath resolves no path, so each is a mistake.
func (p *peer) PinPath(ctx context.Context, path string, _ api.PinOptions) (*api.Pin, error) {
	begun := p.w.now()
	err := p.meet(ctx, client.OpPinPath, p.answerTo(client.OpPinPath))
	if err == nil {
		err = p.status(client.OpPinPath, http.StatusInternalServerError, fmt.Sprintf(noSuchPath, path, "nothere", path))
	}
	p.w.attempted(ctx, p.index, begun, err)
	return nil, err
}

// refusal returns the text with which the peer refuses to pin with these options,
// or "". All pins are recursive, and all pins with another mode repeat one.
func (p *peer) refusal(opts api.PinOptions) string {
	n := len(p.w.peers)
	switch {
	case opts.ReplicationFactorMin > n:
		return fmt.Sprintf(tooManyCopies, opts.ReplicationFactorMin, opts.ReplicationFactorMax, n)
	case !opts.ExpireAt.IsZero() && opts.ExpireAt.Before(time.Now()):
		return pastExpiry
	case opts.Mode == api.PinModeDirect:
		return otherMode
	}
	return ""
}
