package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

const (
	adders, readers = 2, 4
	rest            = 2 * time.Millisecond // pause of a worker between two calls
	fileSize        = 64 << 10
)

// load adds files and reads the pinset until it is stopped.
type load struct {
	client       client.Client
	stop         context.CancelFunc
	workers      sync.WaitGroup
	adds, reads  atomic.Int64
	once         sync.Once
	firstFailure error
}

func startLoad(ctx context.Context, c client.Client) *load {
	l := &load{client: c}
	ctx, l.stop = context.WithCancel(ctx)
	for i := range adders {
		l.workers.Go(func() { l.repeat(ctx, func(n int) error { return l.add(ctx, i, n) }) })
	}
	for range readers {
		l.workers.Go(func() { l.repeat(ctx, func(int) error { return l.read(ctx) }) })
	}
	return l
}

// end stops the load and returns its first failure.
func (l *load) end() error {
	l.stop()
	l.workers.Wait()
	return l.firstFailure
}

// repeat calls call until the load is stopped or a call fails.
func (l *load) repeat(ctx context.Context, call func(n int) error) {
	for n := 0; ; n++ {
		if err := call(n); ctx.Err() != nil {
			return // stopped: ignore the last call's error
		} else if err != nil {
			l.once.Do(func() { l.firstFailure = err })
			l.stop()
			return
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
	}
}

// add adds a new file and pins it.
func (l *load) add(ctx context.Context, adder, n int) error {
	name := fmt.Sprintf("file-%d-%d", adder, n)
	content := bytes.Repeat([]byte(name+"\n"), fileSize/(len(name)+1))
	dir := files.NewMapDirectory(map[string]files.Node{name: files.NewBytesFile(content)})
	body := files.NewMultiFileReader(dir, true, false)
	out := make(chan *api.AddedOutput, 4)
	done := make(chan error, 1)
	go func() { done <- l.client.AddMultiFile(ctx, body, api.DefaultAddParams(), out) }()
	outputs := 0
	for range out {
		outputs++
	}
	if err := <-done; err != nil {
		return fmt.Errorf("adding %s: %w", name, err)
	}
	if outputs != 1 {
		return fmt.Errorf("adding %s: %d outputs", name, outputs)
	}
	l.adds.Add(1)
	return nil
}

// read reads the first items of the pinset.
func (l *load) read(ctx context.Context) error {
	n := 0
	for _, err := range l.client.Allocations(ctx, api.AllType) {
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		if n++; n == 50 {
			break
		}
	}
	l.reads.Add(1)
	return nil
}
