package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// contender does the work of a workload in its own way.
type contender struct {
	name string
	do   func(context.Context) error
}

// sample is the cost of one turn of a contender. Allocations are those of the
// whole process.
type sample struct {
	time   time.Duration
	allocs float64
	bytes  float64
}

// standing is a contender's result.
type standing struct {
	name   string
	median sample
	best   time.Duration
	worst  time.Duration
}

// race gives the contenders turns, after a round that does not count, and
// returns their standings in order. Short work is done in more rounds, not in
// longer turns, so that other load of the machine affects all contenders
// equally. The garbage collector runs before each turn, so that no contender
// pays for another's garbage.
func (r *report) race(ctx context.Context, contenders ...contender) ([]standing, error) {
	samples := make([][]sample, len(contenders))
	for round := range r.rounds() + 1 {
		for i := range contenders {
			i := (i + round) % len(contenders) // vary who begins
			s, err := take(ctx, contenders[i])
			if err != nil {
				return nil, err
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	standings := make([]standing, len(contenders))
	for i, c := range contenders {
		times := column(samples[i], func(s sample) time.Duration { return s.time })
		standings[i] = standing{
			name: c.name,
			median: sample{
				time:   median(times),
				allocs: median(column(samples[i], func(s sample) float64 { return s.allocs })),
				bytes:  median(column(samples[i], func(s sample) float64 { return s.bytes })),
			},
			best:  slices.Min(times),
			worst: slices.Max(times),
		}
	}
	r.standings = standings
	return standings, nil
}

func take(ctx context.Context, c contender) (sample, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	err := c.do(ctx)
	took := time.Since(began)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	runtime.ReadMemStats(&after)
	return sample{
		time:   took,
		allocs: float64(after.Mallocs - before.Mallocs),
		bytes:  float64(after.TotalAlloc - before.TotalAlloc),
	}, nil
}

func column[T any](samples []sample, of func(sample) T) []T {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	return all
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// heapObjects is the metric of the memory of live and not yet swept objects.
const heapObjects = "/memory/classes/heap/objects:bytes"

func heap() float64 {
	s := []metrics.Sample{{Name: heapObjects}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64())
}

// sampling is the interval between measurements of the heap.
const sampling = time.Millisecond

// peak returns the difference in MB between the peak of the heap during do and
// the idle heap.
func peak(ctx context.Context, do func(context.Context) error) (float64, error) {
	return peakOf(ctx, heap, do)
}

// peakOf is like peak, for any measurement of memory in bytes.
func peakOf(ctx context.Context, held func() float64, do func(context.Context) error) (float64, error) {
	runtime.GC()
	runtime.GC() // contents of pools survive the first
	idle := held()
	done, highest := make(chan struct{}), make(chan float64)
	go func() {
		most := held()
		ticker := time.NewTicker(sampling)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				most = max(most, held())
			case <-done:
				highest <- max(most, held())
				return
			}
		}
	}()
	err := do(ctx)
	close(done)
	return (<-highest - idle) / 1e6, err
}
