package discovery

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

const (
	verifyTimeout = 5 * time.Second // for the ID of the peer at a candidate address
	// candidateDelay is the time after which a peer's next candidate is asked as
	// well.
	candidateDelay = 300 * time.Millisecond
	maxVerifying   = 64  // addresses asked at a time
	maxCandidates  = 16  // addresses tried per peer
	maxVerified    = 512 // addresses asked per look; the next look goes on with the others
)

// subject is a seed, or a listed peer with its candidates.
type subject struct {
	id    *api.ID // nil for a seed
	cfgs  []*config.Config
	first int // index of the candidate to ask first

	asked  int // candidates asked
	failed int // candidates that did not answer in time, or with another ID
	queued bool
	done   bool

	ctx    context.Context // of its requests
	cancel context.CancelFunc
}

// next returns the next candidate to ask, or nil if there is none.
func (s *subject) next() *config.Config {
	if s.done || s.asked == len(s.cfgs) {
		return nil
	}
	cfg := s.cfgs[(s.first+s.asked)%len(s.cfgs)]
	s.asked++
	return cfg
}

// answer is the result of asking an address for the ID of its peer.
type answer struct {
	from *subject
	cfg  *config.Config
	id   peer.ID
	err  error
}

// askers asks the candidates of subjects, several at a time. One goroutine calls all
// its methods. The subjects take turns: the first candidate of each is asked before
// the second candidate of any. So a subject with many candidates, or with silent
// ones, delays no other.
type askers struct {
	queue   []*subject
	delayed []delayed // subjects whose next candidate is asked after a delay, in order of time
	timer   *time.Timer
	running int // requests under way
	asked   int // requests for listed peers
	answers chan answer
}

type delayed struct {
	at time.Time
	of *subject
}

// newAskers returns an askers. The caller must call end.
func newAskers() *askers {
	a := &askers{timer: time.NewTimer(time.Hour), answers: make(chan answer, maxVerifying)}
	a.timer.Stop()
	return a
}

// add adds a subject at the end of the queue.
func (a *askers) add(ctx context.Context, s *subject) {
	s.ctx, s.cancel = context.WithCancel(ctx)
	a.push(s)
}

func (a *askers) push(s *subject) {
	if !s.queued && !s.done {
		s.queued = true
		a.queue = append(a.queue, s)
	}
}

// start asks candidates while there is room. It reports whether something is under
// way.
func (a *askers) start() bool {
	for len(a.queue) > 0 && a.running < maxVerifying && a.asked < maxVerified {
		s := a.queue[0]
		a.queue = a.queue[1:]
		s.queued = false
		cfg := s.next()
		if cfg == nil || s.ctx.Err() != nil {
			continue
		}
		if s.id != nil {
			a.asked++
		}
		a.running++
		go func() { // ends with the context of s; the look waits for the answer
			id, err := idOf(s.ctx, cfg)
			a.answers <- answer{s, cfg, id, err}
		}()
		if len(a.delayed) == 0 {
			a.timer.Reset(candidateDelay)
		}
		a.delayed = append(a.delayed, delayed{time.Now().Add(candidateDelay), s})
	}
	return a.running > 0
}

// tick queues the subjects whose delay has passed.
func (a *askers) tick() {
	now := time.Now()
	for len(a.delayed) > 0 && !a.delayed[0].at.After(now) {
		a.push(a.delayed[0].of)
		a.delayed = a.delayed[1:]
	}
	if len(a.delayed) > 0 {
		a.timer.Reset(a.delayed[0].at.Sub(now))
	}
}

// take takes an answer. It reports whether the answer is from a seed, or from the
// peer whose candidate was asked.
func (a *askers) take(r answer) bool {
	a.running--
	s := r.from
	if s.done || r.err != nil && s.ctx.Err() != nil {
		return false
	}
	if r.err == nil && (s.id == nil || s.id.ID == r.id) {
		s.done = true
		s.cancel()
		return true
	}
	s.failed++
	a.push(s)
	return false
}

// end waits for the requests under way. Their context must have ended.
func (a *askers) end() {
	a.timer.Stop()
	for ; a.running > 0; a.running-- {
		<-a.answers
	}
}

// candidates returns the configurations for the addresses at which a listed peer
// may be. from is the endpoint that listed it. candidates returns none if the peer
// is known and still has its address.
func (m *members) candidates(from *config.Config, id *api.ID) []*config.Config {
	known := m.of[id.ID]
	if known != nil && known.seed {
		return nil
	}
	// An empty address would be the default address.
	addrs := slices.DeleteFunc(slices.Clone(m.mapping(from, id)), func(addr multiaddr.Multiaddr) bool { return len(addr) == 0 })
	cfgs := m.template.AsTemplateFor(addrs[:min(len(addrs), maxCandidates)])
	if known != nil && slices.ContainsFunc(cfgs, func(cfg *config.Config) bool { return key(cfg) == key(known.cfg) }) {
		return nil
	}
	return cfgs
}

// idOf returns the ID of the peer that answers at an endpoint.
func idOf(ctx context.Context, cfg *config.Config) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	c, err := client.NewDefaultClient(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	id, err := c.ID(ctx)
	if err != nil {
		return "", err
	}
	return id.ID, nil
}
