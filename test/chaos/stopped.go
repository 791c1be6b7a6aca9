//go:build unix

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/internal/sleep"
)

const (
	// callTime is the deadline of the calls in the scenario stopped-first.
	callTime = 15 * time.Second
	// worstFirst bounds the calls that are made when the peer stops, worstSecond
	// those that are made after they have ended.
	worstFirst  = 8 * time.Second
	worstSecond = 100 * time.Millisecond
)

// pauseFirst pauses the first peer under Failover, and measures one call of each
// kind at that time, and again after these have ended.
func pauseFirst(ctx context.Context, s *settings, c cluster, r *record) (err error) {
	own := *s
	own.strategies, own.deadline = []string{"failover"}, callTime
	l, err := newLoad(&own, c, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	// The first calls open connections, and add an item that later calls can use.
	for range 2 {
		l.oneOfEach(ctx)
	}
	began := time.Now()
	if err := c.inflict(ctx, pause, 0); err != nil {
		return err
	}
	if err := awaitSilence(ctx, s, c); err != nil {
		return err
	}
	first := l.oneOfEach(ctx)
	second := l.oneOfEach(ctx)
	repair, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandTime)
	defer cancel()
	if err := c.repair(repair, pause, 0); err != nil {
		return err
	}
	r.inflicted(fault{harm: pause, to: time.Since(began)})
	r.bars = []bar{
		{"the longest call when the first peer stops", first, worstFirst},
		{"the longest call after that", second, worstSecond},
	}
	return l.cleanUp(ctx, l.clients)
}

// awaitSilence waits until the first peer does not answer any more. A process is still
// running for some milliseconds after the signal that stops it.
func awaitSilence(ctx context.Context, s *settings, c cluster) (err error) {
	probes, err := openEach(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(probes)) }()
	ctx, cancel := context.WithTimeout(ctx, s.settle)
	defer cancel()
	in := &injector{probes: probes}
	for in.answers(ctx, 0) {
		if !sleep.For(ctx, 10*time.Millisecond) {
			return errors.New("the first peer still answers, though it was paused")
		}
	}
	return nil
}

// oneOfEach makes one call of each kind at once, and returns how long the longest
// took.
func (l *load) oneOfEach(ctx context.Context) time.Duration {
	var active sync.WaitGroup
	began := time.Now()
	for _, k := range kinds() {
		c := l.newCaller()
		active.Go(func() { l.call(ctx, k, c) })
	}
	active.Wait()
	return time.Since(began)
}
