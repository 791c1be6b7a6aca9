package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
)

const (
	// pinDelay is the time that a sink takes for a pin. A real peer takes about as long,
	// because it stores the pin and passes it on.
	pinDelay = 2 * time.Millisecond
	// slowPins is the number of pins in the comparison with a loop.
	slowPins = 300
	// filledEach is the number of pins with which a Sync fills an empty cluster, for each
	// of the -count rounds.
	filledEach = 20_000
)

// pinSinks are three servers that list the same pins and accept every pin and unpin. They
// store nothing, and run in a process of their own, so that their memory is not measured.
type pinSinks struct {
	process *exec.Cmd
	stop    io.Closer     // of the standard input: the end of the process
	output  *json.Decoder // of the standard output
	addrs   []string
	line    []byte // of a pin, in listings and answers
}

// sinksEnv is the environment variable that makes a process serve as pinSinks: the number of
// pins, and the time for a write.
const sinksEnv = "PINFLEET_BENCH_SINKS"

// startSinks starts servers that list n pins, and take delay for a write.
func startSinks(ctx context.Context, n int, delay time.Duration) (*pinSinks, error) {
	line, err := pinLine()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &pinSinks{process: exec.CommandContext(ctx, self), line: line}
	p.process.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", sinksEnv, n, delay))
	p.process.Stderr = os.Stderr
	in, err := p.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	p.stop, p.output = in, json.NewDecoder(out)
	if err := p.output.Decode(&p.addrs); err != nil {
		return nil, errors.Join(fmt.Errorf("the servers of pins have not started: %w", err), p.close())
	}
	return p, nil
}

// close ends the servers. It may be called twice.
func (p *pinSinks) close() error {
	if p.process.ProcessState != nil {
		return nil
	}
	return errors.Join(p.stop.Close(), p.process.Wait())
}

// end ends the servers and returns the number of writes that they have accepted.
func (p *pinSinks) end() (writes int, err error) {
	if err := p.stop.Close(); err != nil {
		return 0, err
	}
	err = p.output.Decode(&writes)
	return writes, errors.Join(err, p.process.Wait())
}

func (p *pinSinks) client() (*lbclient.Client, error) {
	cfgs, err := config.ParseAddrs(strings.Join(p.addrs, ","))
	if err != nil {
		return nil, err
	}
	return lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, retries)
}

// want returns a source of the pins from and to-1 that the sinks list. Each renamed-th one
// has another name, unless renamed is 0.
func (p *pinSinks) want(from, to, renamed int) (iter.Seq2[*api.Pin, error], error) {
	var sample api.Pin
	if err := json.Unmarshal(p.line, &sample); err != nil {
		return nil, err
	}
	return func(yield func(*api.Pin, error) bool) {
		var text []byte
		for i := from; i < to; i++ {
			pin := sample
			text = appendCid(text[:0], i)
			ci, err := cid.Decode(string(text))
			if err != nil {
				yield(nil, err)
				return
			}
			pin.Cid = api.NewCid(ci)
			if renamed > 0 && i%renamed == 0 {
				pin.Name = "renamed"
			}
			if !yield(&pin, nil) {
				return
			}
		}
	}, nil
}

// bulk measures the work on many pins.
func bulk(ctx context.Context, r *report) error {
	for _, measure := range []func(context.Context, *report) error{pinMany, fillEmpty, syncLarge} {
		if err := measure(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// pinMany compares Pin with a loop.
func pinMany(ctx context.Context, r *report) error {
	p, err := startSinks(ctx, 0, pinDelay)
	if err != nil {
		return err
	}
	defer p.close()
	c, err := p.client()
	if err != nil {
		return err
	}
	defer c.Close()
	pins, err := p.want(0, slowPins, 0)
	if err != nil {
		return err
	}
	r.work(slowPins, "a pin")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return count(pinset.Pin(ctx, c, pins), slowPins) }},
		contender{"serial", func(ctx context.Context) error { return pinSerially(ctx, c, pins) }},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["pin_vs_serial"] = r.each(standings[1]) / r.each(standings[0])
	return nil
}

// pinSerially is the loop that one writes first.
func pinSerially(ctx context.Context, c client.Client, pins iter.Seq2[*api.Pin, error]) error {
	for pin, err := range pins {
		if err != nil {
			return err
		}
		if _, err := c.Pin(ctx, pin.Cid.Cid, pin.PinOptions); err != nil {
			return err
		}
	}
	return nil
}

// fillEmpty measures the Sync of many pins into an empty cluster.
func fillEmpty(ctx context.Context, r *report) error {
	p, err := startSinks(ctx, 0, 0)
	if err != nil {
		return err
	}
	defer p.close()
	n := filledEach * r.count
	began := time.Now()
	mb, err := syncing(ctx, p, 0, n, 0, n)
	if err != nil {
		return err
	}
	took := time.Since(began)
	writes, err := p.end()
	if err != nil {
		return err
	}
	r.values["fill_pins"] = float64(n)
	r.values["fill_per_s"] = float64(n) / took.Seconds()
	r.values["fill_peak_mb"] = mb
	r.note("Sync of %d pins into empty peers: %.0f pins a second, %d writes, %.1f MB over idle", n, r.values["fill_per_s"], writes, mb)
	return complete(writes, n, nil)
}

// syncLarge measures the Sync of a million pins with a million, of which 1 % are missing, 1 %
// different and 1 % extra.
func syncLarge(ctx context.Context, r *report) error {
	p, err := startSinks(ctx, manyItems, 0)
	if err != nil {
		return err
	}
	defer p.close()
	const share = manyItems / 100
	changed := 3*share - share/100 // each 100th of the missing ones is renamed as well
	began := time.Now()
	mb, err := syncing(ctx, p, share, manyItems+share, 100, changed, pinset.WithDelete())
	if err != nil {
		return err
	}
	r.values["sync_peak_mb"], r.values["sync_s"] = mb, time.Since(began).Seconds()
	writes, err := p.end()
	if err != nil {
		return err
	}
	r.note("Sync of %d pins, of which %d are missing, different or extra: %.1f s, %d writes", manyItems, changed, r.values["sync_s"], writes)
	return complete(writes, changed, nil)
}

// syncing makes a Sync with the pins from and to-1 and checks the number of its changes. It
// returns the peak of the memory over idle, in MB.
func syncing(ctx context.Context, p *pinSinks, from, to, renamed, changes int, opts ...pinset.Option) (float64, error) {
	c, err := p.client()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	want, err := p.want(from, to, renamed)
	if err != nil {
		return 0, err
	}
	var tables atomic.Int64
	opts = append(opts, pinset.WithProgress(func(now pinset.Progress) { tables.Store(now.Memory) }))
	held := func() float64 { return heap() + float64(c.ListingMemory()+tables.Load()) }
	return peakOf(ctx, held, func(ctx context.Context) error {
		defer tables.Store(0)
		return count(pinset.Sync(ctx, c, want, opts...), changes)
	})
}
