package transport

import (
	"context"
	"errors"
	"net"
	"time"
)

// attemptDelay is the time that a dial may take before the next one starts in
// parallel (RFC 8305, section 5).
const attemptDelay = 250 * time.Millisecond

// DialFirst returns the connection of the first dial that succeeds. The dials start
// in order: each one starts when a running dial fails or 250 milliseconds after
// the one before, so that a dead address costs little time. Once a dial succeeds,
// DialFirst cancels the others and closes any connection they still return. If all
// dials fail, the error holds every cause.
func DialFirst(ctx context.Context, dials ...func(context.Context) (net.Conn, error)) (net.Conn, error) {
	if len(dials) == 0 {
		return nil, errors.New("no address to dial")
	}
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(dials))
	running, started := 0, 0
	start := func() {
		dial := dials[started]
		running++
		started++
		go func() {
			conn, err := dial(ctx)
			results <- result{conn, err}
		}()
	}
	defer func() {
		cancel()
		if running == 0 {
			return
		}
		go func() { // ends when the last dial has returned
			for range running {
				if r := <-results; r.conn != nil {
					_ = r.conn.Close()
				}
			}
		}()
	}()

	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var errs []error
	for start(); ; {
		select {
		case r := <-results:
			running--
			if r.err == nil {
				return r.conn, nil
			}
			errs = append(errs, r.err)
			if len(errs) == len(dials) {
				return nil, errors.Join(errs...)
			}
		case <-timer.C:
		case <-ctx.Done():
			return nil, errors.Join(append(errs, context.Cause(ctx))...)
		}
		if started < len(dials) {
			start()
			timer.Reset(attemptDelay)
		}
	}
}
