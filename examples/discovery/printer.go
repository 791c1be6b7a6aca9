package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

// printer prints the events of the story and of the load balancer.
type printer struct {
	fleet *fleet
	mu    sync.Mutex
	w     io.Writer
	begin time.Time
}

var (
	_ lbclient.HealthHook     = (*printer)(nil)
	_ lbclient.MembershipHook = (*printer)(nil)
)

func newPrinter(w io.Writer, f *fleet) *printer {
	return &printer{fleet: f, w: w, begin: time.Now()}
}

// say prints a line with the time since the start.
func (p *printer) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%6.2fs  %s\n", time.Since(p.begin).Seconds(), fmt.Sprintf(format, args...))
}

// name returns the name of the peer with the given address.
func (p *printer) name(endpoint string) string {
	for _, peer := range p.fleet.cluster.Peers() {
		if peer.Addr().String() == endpoint {
			return peer.Name()
		}
	}
	return endpoint
}

func (p *printer) names(peers []int) string {
	var names []string
	for _, i := range peers {
		names = append(names, p.fleet.cluster.Peer(i).Name())
	}
	return strings.Join(names, ", ")
}

func (p *printer) MembershipChanged(e lbclient.MembershipEvent) {
	for _, endpoint := range e.Added {
		p.say("        load balancer: %s is new", p.name(endpoint))
	}
	for _, endpoint := range e.Removed {
		p.say("        load balancer: %s is gone", p.name(endpoint))
	}
}

func (p *printer) EndpointEjected(e lbclient.HealthEvent) {
	p.say("        load balancer: %s is ejected", p.name(e.Endpoint))
}

func (p *printer) EndpointReadmitted(e lbclient.HealthEvent) {
	p.say("        load balancer: %s is readmitted", p.name(e.Endpoint))
}
