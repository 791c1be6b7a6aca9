package pyxis_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// liveFaults are the steps of a live history that break something.
var liveFaults = []string{"cut observer", "cut actor", "lose answer", "end session", "unregister"}

var liveSteps = rapid.Custom(func(t *rapid.T) step {
	changes := []string{"create", "create", "write", "delete", "ephemeral", "ephemeral"}
	return step{
		what:  rapid.SampledFrom(append(changes, liveFaults...)).Draw(t, "what"),
		path:  rapid.SampledFrom([]string{"/a", "/b", "/a/x", "/a/y", "/b/z", "/a/x/deep"}).Draw(t, "path"),
		delay: time.Duration(rapid.SampledFrom([]int{0, 0, 1, 10, 50}).Draw(t, "ms")) * time.Millisecond,
	}
})

// TestLiveViewConverges breaks connections and ends sessions at random. It checks
// that a persistent watch ends with the service's own view, and that the actor's
// ephemeral nodes end with its session.
func TestLiveViewConverges(t *testing.T) {
	play := func(rt *rapid.T, script []step) (err error) {
		opts := pyxistest.Options{
			Nodes: 3, Network: pyxistest.Memory, Nagle: rapid.Bool().Draw(rt, "nagle"),
			CommitDelay: time.Duration(rapid.SampledFrom([]int{0, 20}).Draw(rt, "commit")) * time.Millisecond,
		}
		synctest.Test(t, func(t *testing.T) {
			s := pyxistest.New(t, opts)
			err = playLive(reach(t, s.Addrs(), s.DialContext), script)
		})
		return err
	}
	if addrs := os.Getenv(liveAddrs); addrs != "" {
		t.Parallel()
		s := reach(t, strings.Split(addrs, ","), new(net.Dialer).DialContext)
		play = func(_ *rapid.T, script []step) error { return playLive(s, script) }
	}
	broken := 0
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(liveSteps, 10, 40).Draw(rt, "script")
		for _, st := range script {
			if slices.Contains(liveFaults, st.what) {
				broken++
			}
		}
		if err := play(rt, script); err != nil {
			rt.Fatal(err)
		}
	})
	if broken == 0 && !t.Failed() {
		t.Error("no fault")
	}
}

// liveHistory is a service, an observer that watches a node, and an actor that
// changes nodes below it. The test itself changes nodes too.
type liveHistory struct {
	s                         *liveService
	top                       string // the watched node
	observer, actor           *pyxis.Client
	observersWire, actorsWire *wire
	watching, acting          sync.WaitGroup

	mu   sync.Mutex
	view map[string]string
}

// playLive runs a script and returns what went wrong.
func playLive(s *liveService, script []step) error {
	h := &liveHistory{s: s, top: s.root + "/" + rand.Text(), observersWire: newWire(s), actorsWire: newWire(s)}
	if err := s.c.Create(nil, h.top, nil); err != nil {
		return err
	}
	client := func(w *wire) *pyxis.Client {
		return pyxis.NewClient(s.addrs, &pyxis.Options{Dial: w.dial, CallTimeout: hang})
	}
	h.observer, h.actor = client(h.observersWire), client(h.actorsWire)
	defer h.watching.Wait()
	defer h.observer.Close()
	defer h.actor.Close()
	h.watching.Go(h.observe)
	defer h.acting.Wait()
	for _, st := range script {
		if err := h.do(st); err != nil {
			return fmt.Errorf("%v: %w", st, err)
		}
		time.Sleep(st.delay) // it is part of the script, on the wall clock too
	}
	h.acting.Wait()
	if err := h.converges(); err != nil {
		return err
	}
	if err := h.actor.Close(); err != nil {
		return err
	}
	return h.hasNoEphemerals()
}

// observe records the views of a persistent watch.
func (h *liveHistory) observe() {
	for u, err := range h.observer.Watch(&pyxis.WatchOption{Recursive: true}, h.top) {
		if err != nil {
			return
		}
		view := make(map[string]string)
		for path, n := range u.Nodes {
			view[path] = describe(n)
		}
		h.mu.Lock()
		h.view = view
		h.mu.Unlock()
	}
}

// describe returns what a view shows of a node.
func describe(n *node.Node) string {
	return fmt.Sprintf("%q %d %d %v", n.Data, n.Version, n.Owner, slices.Sorted(slices.Values(n.Children)))
}

// do executes one step. That a node exists or does not is no error.
func (h *liveHistory) do(st step) error {
	path, c := h.top+st.path, h.s.c
	var err error
	switch st.what {
	case "cut observer":
		h.observersWire.cut()
	case "cut actor":
		h.actorsWire.cut()
	case "lose answer":
		h.actorsWire.loseAnswer(0, func(m *pyxiswire.Request) bool { return m.Create != nil || m.Write != nil })
	case "end session":
		if sid, _ := h.actor.Session(); sid != 0 {
			h.s.endSession(sid)
		}
	case "unregister":
		h.acting.Go(func() { _ = h.actor.Unregister() })
	case "ephemeral":
		h.acting.Go(func() { _ = h.actor.Create(&pyxis.WriteOption{IsEphemeral: true}, path, []byte("ephemeral")) })
	case "write":
		h.acting.Go(func() { _ = h.actor.Write(nil, path, []byte("written")) })
	case "create":
		err = c.Create(nil, path, []byte("created"))
	case "delete":
		err = c.Delete(nil, path)
	}
	for _, harmless := range []error{pyxis.ErrNotFound, pyxis.ErrExists, pyxis.ErrInvalidArgument} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}

// tree reads the service's own view.
func (h *liveHistory) tree() (map[string]string, error) {
	all, unread := make(map[string]string), []string{h.top}
	for len(unread) > 0 {
		path := unread[0]
		unread = unread[1:]
		n, err := h.s.c.Read(&pyxis.ReadOption{ShowHidden: true}, path, nil)
		if errors.Is(err, pyxis.ErrNotFound) {
			continue // the tree changes, the caller reads it again
		}
		if err != nil {
			return nil, err
		}
		all[path] = describe(n)
		for _, name := range n.Children {
			unread = append(unread, path+"/"+name)
		}
	}
	return all, nil
}

// converges waits until the observer's view is the service's.
func (h *liveHistory) converges() error {
	for deadline := time.Now().Add(hang); ; time.Sleep(20 * time.Millisecond) {
		want, err := h.tree()
		if err != nil {
			return err
		}
		h.mu.Lock()
		view := h.view
		h.mu.Unlock()
		if maps.Equal(view, want) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the view is %v, the tree %v", view, want)
		}
	}
}

// hasNoEphemerals waits until no ephemeral node is left. A registration whose
// answer was lost leaves a session that no client knows, which expires.
func (h *liveHistory) hasNoEphemerals() error {
	for deadline := time.Now().Add(hang); ; time.Sleep(20 * time.Millisecond) {
		all, err := h.tree()
		if err != nil {
			return err
		}
		left := 0
		for _, text := range all {
			if strings.HasPrefix(text, `"ephemeral"`) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d ephemeral nodes are left: %v", left, all)
		}
	}
}
