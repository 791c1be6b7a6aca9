package conformance

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// every calls 16 of the client's methods and returns their errors by method
// name.
func every(ctx context.Context, t *testing.T, c client.Client) map[string]error {
	t.Helper()
	path := filepath.Join(write(t, "every", map[string][]byte{"f": unique("every")}), "f")
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	errs := map[string]error{}
	_, errs["ID"] = c.ID(ctx)
	_, errs["Peers"] = c.Peers(ctx)
	_, errs["Version"] = c.Version(ctx)
	_, errs["Status"] = c.Status(ctx, ci, false)
	_, errs["Allocation"] = c.Allocation(ctx, ci)
	_, errs["Unpin"] = c.Unpin(ctx, ci)
	_, errs["Alerts"] = c.Alerts(ctx)
	_, errs["MetricNames"] = c.MetricNames(ctx)
	_, errs["ConnectGraph"] = c.ConnectGraph(ctx)
	_, errs["RepoGC"] = c.RepoGC(ctx, true)
	errs["Health"] = c.Health(ctx)
	_, errs["Add"] = collect(func(out chan<- *api.AddedOutput) error { return c.Add(ctx, []string{path}, unpinned(), out) })
	for _, err := range c.Allocations(ctx, api.AllType) {
		errs["Allocations"] = err
		break
	}
	for _, err := range c.StatusAll(ctx, api.TrackerStatusUndefined, false) {
		errs["StatusAll"] = err
		break
	}
	for _, err := range c.StatusCids(ctx, []cid.Cid{ci}, false) {
		errs["StatusCids"] = err
		break
	}
	for _, err := range c.RecoverAll(ctx, false) {
		errs["RecoverAll"] = err
		break
	}
	return errs
}

const methods = 16 // called by every

func testCancelled(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := every(ctx, t, s)
	if len(errs) != methods {
		t.Errorf("only %d of %d methods reported an error", len(errs), methods)
	}
	for name, err := range errs {
		want(t, name, err, context.Canceled)
	}
}

func testClosed(t *testing.T, s *suite) {
	c, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(s.within(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	errs := every(s.within(t), t, c)
	if len(errs) != methods {
		t.Errorf("only %d of %d methods reported an error", len(errs), methods)
	}
	for name, err := range errs {
		want(t, name, err, client.ErrClosed)
	}
	// Closing one client must not affect the other.
	if _, err := s.Version(s.within(t)); err != nil {
		t.Errorf("Version: %v", err)
	}
}

// testConsumerStops cancels an add whose outputs are not read.
func testConsumerStops(t *testing.T, s *suite) {
	content := map[string][]byte{}
	for range 50 {
		content[string(unique("f")[2:12])] = unique("content")
	}
	dir := write(t, "unread", content)
	ctx, cancel := context.WithCancel(s.within(t))
	defer cancel()
	out := make(chan *api.AddedOutput)
	done := make(chan error, 1)
	go func() { done <- s.Add(ctx, []string{dir}, unpinned(), out) }()
	<-out
	cancel()
	select {
	case err := <-done:
		want(t, "Add", err, context.Canceled)
	case <-time.After(patience):
		t.Fatal("Add does not return")
	}
	for range out { // ends because out is closed
		t.Error("an output was delivered after the end")
	}
}

func testConcurrent(t *testing.T, s *suite) {
	ctx := s.within(t)
	ci := s.stored(t, "concurrent")
	errs := make(chan error, 64)
	var wg sync.WaitGroup
	for range cap(errs) / 2 {
		wg.Go(func() {
			id, err := s.ID(ctx)
			if err == nil && id.ID.Validate() != nil {
				err = errors.New("an answer without a peer ID")
			}
			errs <- err
		})
		wg.Go(func() {
			info, err := s.Status(ctx, ci, false)
			if err == nil && !info.Cid.Cid.Equals(ci) {
				err = errors.New("the answer to another question")
			}
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
