package lbclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/internal/panics"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
)

const (
	// maxQuestions is the maximum number of questions in progress at an endpoint.
	maxQuestions = 2
	// maxLate is how late a timer may be before this machine counts as starved. What
	// a starved machine has not heard proves nothing.
	maxLate = 500 * time.Millisecond
)

// SilentError is the cause of an attempt that the load balancer has given up, because its
// peer showed no sign of life: nothing arrived for Silence, and two requests of GET /health
// on new connections were not answered. See [WithLivenessProbe].
type SilentError struct {
	Endpoint string
	Silence  time.Duration
}

// Error returns the endpoint and the length of the silence.
func (e *SilentError) Error() string {
	return fmt.Sprintf("%s has sent nothing for %s, and does not answer GET /health: look whether its process or its host hangs",
		e.Endpoint, e.Silence.Round(100*time.Millisecond))
}

// Timeout returns true, as for other errors about a peer that does not answer in time.
func (e *SilentError) Timeout() bool { return true }

// watcher asks an endpoint whether it is alive while attempts there are silent. It has one
// timer, however many attempts are in progress. The timer is not touched by most
// attempts: when it expires, it is set to the next time at which an attempt can be silent
// for too long.
type watcher struct {
	ep *endpoint

	mu      sync.Mutex // guards the fields below
	silence health.Silence
	first   *attempt      // list of the attempts in progress
	timer   *time.Timer   // nil before the first attempt
	due     time.Duration // when the timer expires; health.Never if it does not run
	round   *round        // the questions in progress; nil if there are none
	open    int           // number of questions in progress, of any round
	stopped bool
}

// round is a series of questions, of which the first answer ends the others.
type round struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// watch begins to watch an attempt. It returns the context of the attempt, which derives
// from ctx.
func (w *watcher) watch(ctx context.Context, a *attempt) context.Context {
	a.ctx.parent = ctx
	a.ctx.tracker.Begin(w.ep.pool.epoch, a.began)
	a.watched = true
	w.mu.Lock()
	defer w.mu.Unlock()
	a.next = w.first
	if w.first != nil {
		w.first.prev = a
	}
	w.first = a
	w.arm(a.began, a.began+w.silence.After)
	return &a.ctx
}

// leave ends the watch of an attempt. suspect is set if its caller's deadline has passed.
func (w *watcher) leave(a *attempt, suspect bool) {
	a.ctx.release()
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		w.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
	if suspect && !a.ctx.tracker.HasHeard() && w.ep.health.IsAdmitted() {
		w.silence.Suspect(a.began)
		w.look(w.ep.pool.now())
	}
}

// arm sets the timer to at, unless it expires earlier. mu is held.
func (w *watcher) arm(now, at time.Duration) {
	switch {
	case w.stopped || at >= w.due:
		return
	case w.timer == nil:
		w.timer = time.AfterFunc(at-now, w.expired)
	default:
		w.timer.Reset(at - now)
	}
	w.due = at
}

// expired looks for silent attempts when the timer has expired.
func (w *watcher) expired() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.ep.pool.now()
	if w.stopped || now < w.due {
		return // the timer was set again while it expired
	}
	late := now - w.due
	w.due = health.Never
	if late > maxLate && !w.silence.IsAsking() {
		w.arm(now, now+maxLate) // first the attempts read what has arrived
		return
	}
	w.look(now)
}

// look asks the question that is due, if any, and sets the timer for the next. mu is held.
func (w *watcher) look(now time.Duration) {
	if w.stopped || w.open >= maxQuestions {
		return // the end of a question looks again
	}
	ask, next := w.silence.Look(now, w.silent())
	if ask {
		w.ask(now)
	}
	if next < health.Never {
		w.arm(now, next)
	}
}

// silent iterates over the times since when the attempts in progress have been silent.
func (w *watcher) silent() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for a := w.first; a != nil; a = a.next {
			if since, waits := a.ctx.tracker.SilentSince(); waits && !yield(since) {
				return
			}
		}
	}
}

// ask asks a question in the background. mu is held.
func (w *watcher) ask(now time.Duration) {
	p := w.ep.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if w.round == nil {
		w.round = &round{}
		w.round.ctx, w.round.cancel = context.WithCancel(liveness.WithFreshConnection(p.life))
	}
	r := w.round
	w.open++
	p.background.Go(func() { w.question(r, now) })
}

// question asks the endpoint once.
func (w *watcher) question(r *round, asked time.Duration) {
	p := w.ep.pool
	ctx, cancel := context.WithTimeout(r.ctx, w.silence.Timeout)
	defer cancel()
	got := missed
	panics.Run(func() { got = answerOf(w.ep.Health(ctx)) }, func(panicked *panics.Recovered) {
		panicked.Log(p.logger, "endpoint's client panicked during a probe, which counts as failed", "endpoint", w.ep.name)
		now := p.now()
		if got == missed && now-asked > w.silence.Timeout+maxLate {
			got = void
		}
		if dead := w.end(r, got, now); dead != nil {
			panics.Catch(func() { p.eject(w.ep, dead.err, now) }).Log(p.logger, "users' code panicked during an ejection")
			for _, a := range dead.attempts {
				a.ctx.end(dead.err)
			}
		}
	})
}

// answer is the result of a question.
type answer int

const (
	missed answer = iota // nothing that shows that the endpoint is alive
	alive
	void // an error of this side, which proves nothing
)

// answerOf returns the result of a question whose call of Health returned err. Any HTTP
// answer shows that the endpoint is alive. A client without Health is always alive.
func answerOf(err error) answer {
	var e *client.Error
	switch {
	case err == nil, errors.Is(err, client.ErrUnimplemented), errors.As(err, &e) && e.Status != 0:
		return alive
	case errors.Is(err, client.ErrClosed), errors.Is(err, client.ErrLocal):
		return void
	}
	return missed
}

// dead is what the end of a round gives up: the silent attempts, with their error.
type dead struct {
	attempts []*attempt
	err      *SilentError
}

// end records the answer of a question of r. If the endpoint is dead, it returns the
// attempts that are silent there.
func (w *watcher) end(r *round, got answer, now time.Duration) *dead {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	var found *dead
	if r == w.round {
		switch got {
		case alive:
			w.silence.Answered(now)
		case void:
			w.silence.Void(now)
		case missed:
			if w.silence.Missed() {
				found = w.givenUp(now)
			}
		}
		if !w.silence.IsAsking() {
			r.cancel()
			w.round = nil
		}
	}
	w.look(now)
	return found
}

// givenUp returns the attempts that have been silent for long enough. mu is held.
func (w *watcher) givenUp(now time.Duration) *dead {
	d := &dead{err: &SilentError{Endpoint: w.ep.name, Silence: w.silence.After/2 + w.silence.Timeout}}
	for a := w.first; a != nil; a = a.next {
		if since, waits := a.ctx.tracker.SilentSince(); waits && now-since >= w.silence.After {
			d.attempts = append(d.attempts, a)
			d.err.Silence = max(d.err.Silence, now-since)
		}
	}
	return d
}

// stop ends the watch of the endpoint. Questions in progress end with the pool.
func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.round != nil {
		w.round.cancel()
	}
}
