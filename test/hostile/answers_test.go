package hostile

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/hostile"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

const (
	// atOnce is how many calls there are at a time: most of them wait.
	atOnce = 256
	// short ends the calls that would not end by themselves, long those that
	// ought to.
	short = time.Second
	long  = time.Minute
)

// bench is what the calls of a test share.
type bench struct {
	methods []method
	args    map[reflect.Type]func(*testing.T) any
	good    *clustertest.Peer
}

func newBench(t *testing.T) *bench {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1, DiscardBlocks: true})
	return &bench{methods: methods(t), args: fixed(t), good: cluster.Peer(0)}
}

// checks are the checks in progress, at most atOnce of them.
type checks struct {
	places  chan struct{}
	running sync.WaitGroup
}

func newChecks() *checks { return &checks{places: make(chan struct{}, atOnce)} }

// start runs check in a goroutine, once there is a place for it.
func (c *checks) start(check func()) {
	c.places <- struct{}{}
	c.running.Go(func() {
		defer func() { <-c.places }()
		check()
	})
}

// Every answer, but for the large ones, to every method.
func TestAnswers(t *testing.T) {
	skipIfShort(t)
	watchProcess(t)
	b := newBench(t)
	c := newChecks()
	defer c.running.Wait()
	for _, a := range hostile.All() {
		if a.Flood() {
			continue
		}
		for _, m := range b.methods {
			c.start(func() {
				b.checkDefault(t, a, m)
				b.checkBalancer(t, a, m)
			})
		}
	}
}

// Each peer that sends rubbish is ejected, and none that answers properly.
func TestHealth(t *testing.T) {
	skipIfShort(t)
	watchProcess(t)
	b := newBench(t)
	c := newChecks()
	defer c.running.Wait()
	for _, a := range hostile.All() {
		if a.Flood() {
			continue
		}
		c.start(func() { b.checkHealth(t, a) })
	}
}

// checkDefault checks a call of the default client.
func (b *bench) checkDefault(t *testing.T, a hostile.Answer, m method) {
	name := a.Name + ", " + m.Name
	peer := serve(t, a)
	defer peer.Close()
	c, err := client.NewDefaultClient(peer.config())
	if err != nil {
		t.Error(err)
		return
	}
	defer closeClient(t, name, c)
	timeout := long
	if a.Hangs() {
		timeout = short
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if !within(ctx, func() { _, err = m.call(ctx, t, c, b.args) }) {
		t.Errorf("%s: the call did not end", name)
		return
	}
	asked := peer.requests.Load() > 0
	switch {
	case err == nil && asked && !may(a, m):
		t.Errorf("%s: success", name)
	case err != nil:
		checkError(t, name, a, err, asked)
	}
}

// closeClient checks that Close returns.
func closeClient(t *testing.T, name string, c client.Client) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if !within(ended, func() { _ = c.Close() }) {
		t.Errorf("%s: Close did not return", name)
	}
}
