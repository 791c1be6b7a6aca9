package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// patience is the limit of each wait of the story.
const patience = 20 * time.Second

// story is a sequence of events in the fleet under the load of a load balancer.
type story struct {
	fleet   *fleet
	printer *printer
	pyxis   *pyxis.Client
	client  *lbclient.Client
	load    *load
}

// follow starts the first peers and a load balancer that follows the registry.
func follow(ctx context.Context, f *fleet, w io.Writer) (*story, error) {
	s := &story{fleet: f, printer: newPrinter(w, f)}
	s.printer.say("three peers announce themselves")
	for i := range 3 {
		if err := f.join(ctx, i); err != nil {
			return nil, err
		}
	}
	s.pyxis = pyxis.NewClient(f.service.Addrs(), options())
	src := &discovery.Registry{Client: s.pyxis, Path: registered}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var err error
	s.client, err = lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2, lbclient.WithHooks(s.printer))
	if err != nil {
		return nil, errors.Join(err, s.pyxis.Close())
	}
	return s, nil
}

func (s *story) close() error {
	return errors.Join(s.client.Close(), s.pyxis.Close())
}

// run makes the events happen under load.
func (s *story) run(ctx context.Context) error {
	s.load = startLoad(ctx, s.client)
	err := s.events(ctx)
	if failure := s.load.end(); failure != nil {
		return fmt.Errorf("a call has failed: %w", failure)
	}
	if err != nil {
		return err
	}
	s.printer.say("%d files added, %d listings read, no call has failed", s.load.adds.Load(), s.load.reads.Load())
	return nil
}

// events makes the events happen, one after another.
func (s *story) events(ctx context.Context) error {
	for _, event := range []func(context.Context) error{
		func(ctx context.Context) error { return s.serves(ctx, 0, 1, 2) },
		func(ctx context.Context) error { return s.joins(ctx, 3) },
		func(ctx context.Context) error { return s.joins(ctx, 4) },
		func(ctx context.Context) error { return s.crashes(ctx, 0) },
		func(ctx context.Context) error { return s.leaves(ctx, 1) },
		s.leaderIsLost,
		func(ctx context.Context) error { return s.joins(ctx, 0) },
		func(ctx context.Context) error { return s.crashes(ctx, 2) },
	} {
		if err := event(ctx); err != nil {
			return err
		}
	}
	return nil
}

// serves waits until each of the peers has served another call.
func (s *story) serves(ctx context.Context, peers ...int) error {
	for _, i := range peers {
		peer := s.fleet.cluster.Peer(i)
		before := peer.Count("")
		if err := s.wait(ctx, peer.Name()+" serves", func() bool { return peer.Count("") > before }); err != nil {
			return err
		}
	}
	s.printer.say("calls are served by %s", s.printer.names(peers))
	return nil
}

// joins starts and announces a peer, and waits until it serves calls.
func (s *story) joins(ctx context.Context, i int) error {
	peer := s.fleet.cluster.Peer(i)
	peer.ResetRequests()
	before := peer.Count("")
	s.printer.say("%s announces itself", peer.Name())
	announced := time.Now()
	if err := s.fleet.join(ctx, i); err != nil {
		return err
	}
	if err := s.wait(ctx, peer.Name()+" serves", func() bool { return peer.Count("") > before }); err != nil {
		return err
	}
	s.printer.say("%s served its first call %v later", peer.Name(), firstCall(peer, announced).Sub(announced).Round(time.Millisecond))
	return nil
}

// firstCall returns the time of a peer's first request after the given time.
func firstCall(peer *clustertest.Peer, after time.Time) time.Time {
	for _, r := range peer.Requests() {
		if r.Time.After(after) {
			return r.Time
		}
	}
	return time.Time{}
}

// leaves withdraws a peer's announcement, and stops the peer when it gets no
// more calls.
func (s *story) leaves(ctx context.Context, i int) error {
	peer := s.fleet.cluster.Peer(i)
	s.printer.say("%s withdraws its announcement", peer.Name())
	if err := s.fleet.withdraw(i); err != nil {
		return err
	}
	if err := s.wait(ctx, peer.Name()+" is left alone", func() bool { return !s.has(i) }); err != nil {
		return err
	}
	return s.fleet.leave(i)
}

// crashes stops a peer in the middle of its calls, and waits until the registry
// has removed it.
func (s *story) crashes(ctx context.Context, i int) error {
	peer := s.fleet.cluster.Peer(i)
	s.printer.say("%s crashes", peer.Name())
	s.fleet.crash(i)
	err := s.wait(ctx, peer.Name()+" is forgotten", func() bool { return !s.has(i) })
	if err != nil {
		return err
	}
	s.fleet.bury(i)
	return nil
}

// leaderIsLost stops the leader of the coordination service.
func (s *story) leaderIsLost(ctx context.Context) error {
	service := s.fleet.service
	leader := service.Leader()
	s.printer.say("the leader of the registry crashes")
	service.Node(leader).Stop()
	if err := s.wait(ctx, "there is another leader", func() bool { return service.Leader() >= 0 }); err != nil {
		return err
	}
	return service.Node(leader).Start()
}

// has reports whether a peer is one of the load balancer's endpoints.
func (s *story) has(i int) bool {
	addr := s.fleet.cluster.Peer(i).Addr().String()
	return slices.ContainsFunc(s.client.Endpoints(), func(e lbclient.EndpointInfo) bool { return e.Endpoint == addr })
}

// wait waits until isSo returns true.
func (s *story) wait(ctx context.Context, what string, isSo func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !isSo() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		}
	}
	return nil
}
