package pyxis_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// step is one step of a random history.
type step struct {
	what  string
	node  int
	path  string
	delay time.Duration // after the step
}

func (s step) String() string {
	return fmt.Sprintf("%s(%d, %s) %v", s.what, s.node, s.path, s.delay)
}

// faults are the steps that break something.
var faults = []string{"move", "cut", "restart", "isolate", "mute", "expire", "unregister"}

var steps = rapid.Custom(func(t *rapid.T) step {
	changes := []string{"create", "create", "write", "delete", "remake", "ephemeral", "ephemeral"}
	return step{
		what:  rapid.SampledFrom(append(changes, faults...)).Draw(t, "what"),
		node:  rapid.IntRange(0, 2).Draw(t, "node"),
		path:  "/m" + rapid.SampledFrom([]string{"/a", "/b", "/a/x", "/a/y", "/b/z", "/a/x/deep"}).Draw(t, "path"),
		delay: time.Duration(rapid.SampledFrom([]int{0, 0, 1, 10, 300, 1000, 4000}).Draw(t, "ms")) * time.Millisecond,
	}
})

// history is a service, an observer that watches /m, and an actor that changes
// nodes below /m; other steps change them through the service.
type history struct {
	s               *pyxistest.Cluster
	observer, actor *pyxis.Client
	events          *recorder // of the actor
	view            map[string]string
	glimpse         string // /m, as one-shot watchers show it
}

// TestViewConverges breaks the service at random. It checks that a persistent
// watch ends with the service's own view, that ephemeral nodes end with their
// sessions, that Close leaves no sessions behind, and that the order of state
// events is consistent.
func TestViewConverges(t *testing.T) {
	broken := 0
	rapid.Check(t, func(rt *rapid.T) {
		opts := pyxistest.Options{
			Nodes: 3, Network: pyxistest.Memory, Failover: 500 * time.Millisecond,
			CommitDelay:    time.Duration(rapid.SampledFrom([]int{0, 20}).Draw(rt, "commit")) * time.Millisecond,
			StaleRedirects: time.Duration(rapid.SampledFrom([]int{0, 1000}).Draw(rt, "stale")) * time.Millisecond,
		}
		script := rapid.SliceOfN(steps, 20, 60).Draw(rt, "script")
		for _, s := range script {
			if slices.Contains(faults, s.what) {
				broken++
			}
		}
		var err error
		synctest.Test(t, func(t *testing.T) { err = play(t, opts, script) })
		if err != nil {
			rt.Fatal(err)
		}
	})
	enough := 1000
	if testing.Short() { // rapid makes a fifth of the scripts then
		enough = 150
	}
	if broken < enough && !t.Failed() {
		t.Errorf("only %d faults", broken)
	}
}

// play runs a script and returns what went wrong.
func play(t *testing.T, opts pyxistest.Options, script []step) error {
	s, err := pyxistest.Start(opts)
	must(t, err)
	defer s.Close()
	must(t, s.Create("/m", nil))
	h := &history{s: s, events: newRecorder()}
	h.observer = pyxis.NewClient(s.Addrs(), &pyxis.Options{Dial: s.DialContext})
	h.actor = pyxis.NewClient(s.Addrs(), &pyxis.Options{Dial: s.DialContext, DefaultWatcher: &h.events.Watcher})
	defer h.observer.Close()
	defer h.actor.Close()
	done := make(chan struct{})
	go h.observe(done)
	over := make(chan struct{})
	defer close(over)
	go h.peek(over)

	var heal []func()
	for _, st := range script {
		heal = append(heal, h.do(st))
		time.Sleep(st.delay)
		if len(heal) > 3 { // at most three faults at a time
			heal[0]()
			heal = heal[1:]
		}
	}
	for _, f := range heal {
		f()
	}
	time.Sleep(20 * time.Second)
	err = h.converged()

	must(t, h.observer.Close())
	<-done
	return errors.Join(err, h.closed(), h.story())
}

// observe records the views of a persistent watch.
func (h *history) observe(done chan<- struct{}) {
	defer close(done)
	for u, err := range h.observer.Watch(&pyxis.WatchOption{Recursive: true}, "/m") {
		if err != nil {
			return
		}
		h.view = make(map[string]string)
		for path, n := range u.Nodes {
			h.view[path] = fmt.Sprintf("%q %d %d %v", n.Data, n.Version, n.Owner, n.Children)
		}
	}
}

// peek records the node as a loop of reads shows it. Each read sets a watcher
// and waits for it before the next.
func (h *history) peek(over <-chan struct{}) {
	w := &pyxis.Watcher{Done: make(chan *watch.Event, 1)}
	for {
		n, err := h.observer.Read(nil, "/m", w)
		wait := time.Duration(1 << 62)
		if err != nil {
			wait = 10 * time.Millisecond // the watcher was not set
		} else {
			slices.Sort(n.Children)
			h.glimpse = fmt.Sprintf("%q %d %d %v", n.Data, n.Version, n.Owner, n.Children)
		}
		select {
		case <-w.Done:
		case <-time.After(wait):
		case <-over:
			return
		}
	}
}

// do executes one step and returns a function that undoes it.
func (h *history) do(st step) (heal func()) {
	n := h.s.Node(st.node)
	switch st.what {
	case "move":
		h.s.MoveLeader(st.node)
	case "cut":
		n.CutConnections()
	case "restart":
		n.Stop()
		return func() { n.Start() }
	case "isolate":
		n.Isolate()
		return n.Rejoin
	case "mute":
		n.Mute()
		return n.Unmute
	case "expire":
		sid, _ := h.actor.Session()
		h.s.ExpireSession(sid)
	case "unregister":
		go h.actor.Unregister()
	case "ephemeral":
		go h.actor.Create(&pyxis.WriteOption{IsEphemeral: true}, st.path, []byte("ephemeral"))
	case "create":
		h.s.Create(st.path, []byte("created"))
	case "write":
		go h.actor.Write(nil, st.path, []byte("written"))
	case "delete":
		h.s.Delete(st.path)
	case "remake":
		if h.s.Delete(st.path) == nil {
			h.s.Create(st.path, []byte("created"))
		}
	}
	return func() {}
}

// converged compares the observer's view with the service's tree.
func (h *history) converged() error {
	synctest.Wait()
	want := make(map[string]string)
	for path, n := range h.s.Tree() {
		if strings.HasPrefix(path, "/m") {
			children := slices.Sorted(slices.Values(n.Children))
			want[path] = fmt.Sprintf("%q %d %d %v", n.Data, n.Version, n.Sid, children)
		}
	}
	if !maps.Equal(h.view, want) {
		return fmt.Errorf("the view is %v, the tree %v", h.view, want)
	}
	if h.glimpse != want["/m"] {
		return fmt.Errorf("the glimpse is %v, the tree %v", h.glimpse, want)
	}
	return nil
}

// closed closes the actor and checks what it leaves behind.
func (h *history) closed() error {
	if err := h.actor.Close(); err != nil {
		return err
	}
	if err := h.leftovers(); len(h.s.Sessions()) == 0 && err != nil {
		return fmt.Errorf("at once after Close: %w", err)
	}
	// A registration whose answer was lost leaves a session that no client knows.
	// It expires, as does everything else.
	time.Sleep(7 * time.Second)
	return h.leftovers()
}

func (h *history) leftovers() error {
	if left := h.s.Sessions(); len(left) > 0 {
		return fmt.Errorf("sessions left: %v", left)
	}
	for path, n := range h.s.Tree() {
		if n.Flags != 0 {
			return fmt.Errorf("ephemeral %s of session %d is left", path, n.Sid)
		}
	}
	return nil
}

// story checks the order of the actor's state events.
func (h *history) story() error {
	connected, last := false, ""
	events := h.events.take()
	for i, e := range events {
		wrong := e == last && e != "SessionExpired"
		switch e {
		case "Connected":
			connected = true
		case "Disconnected":
			wrong = wrong || !connected
			connected = false
		}
		if wrong {
			return fmt.Errorf("event %d is strange: %v", i, events)
		}
		last = e
	}
	if connected {
		return fmt.Errorf("still connected after Close: %v", events)
	}
	return nil
}
