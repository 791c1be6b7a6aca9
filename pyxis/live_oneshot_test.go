package pyxis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// liveWatching is a client that sets one-shot watchers, and another one that
// changes the nodes at the same time.
type liveWatching struct {
	s              *liveService
	watcher, actor *pyxis.Client
	paths          []string

	mu  sync.Mutex
	all []happening
	set []*waiting
}

// TestLiveOneShotWatchersMissNothing checks that each watcher receives an event if
// something that it asks for happened after its Read: one watcher at a time on each
// node, and several.
func TestLiveOneShotWatchersMissNothing(t *testing.T) {
	onService(t, func(t *testing.T, s *liveService) {
		client := func() *pyxis.Client {
			c := pyxis.NewClient(s.addrs, &pyxis.Options{Dial: s.dial, CallTimeout: hang})
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		watcher, actor := client(), client()
		for round := range 6 {
			l := &liveWatching{s: s, watcher: watcher, actor: actor}
			top := fmt.Sprintf("%s/%d", s.root, round)
			must(t, actor.Create(nil, top, nil))
			l.paths = []string{top, top + "/a", top + "/b", top + "/a/x"}
			ctx, cancel := context.WithCancel(t.Context())
			var watching sync.WaitGroup
			for i := range l.paths {
				random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				watching.Go(func() {
					if round%2 == 0 {
						l.watchAlone(ctx, random, l.paths[i])
					} else {
						l.watchAny(ctx, random)
					}
				})
			}
			random := rand.New(rand.NewPCG(uint64(round), 99))
			for range 60 {
				l.change(random)
			}
			defer func() {
				if w := l.missing(); w != nil {
					fmt.Println(round, w.path, w.Filter, w.Recursive, w.since, len(l.all), l.all[w.since:])
				}
			}()
			s.eventually("a watcher has not received an event", func() bool { return l.missing() == nil })
			cancel()
			watching.Wait()
		}
	})
}

// watchAlone sets a watcher whenever the last one has received its event.
func (l *liveWatching) watchAlone(ctx context.Context, random *rand.Rand, path string) {
	for ctx.Err() == nil {
		w := l.watch(ctx, random, path)
		select {
		case e := <-w.Done:
			w.Done <- e // for missing
		case <-ctx.Done():
		}
	}
}

// watchAny sets watchers without waiting for their events.
func (l *liveWatching) watchAny(ctx context.Context, random *rand.Rand) {
	for range 200 {
		l.watch(ctx, random, l.paths[random.IntN(len(l.paths))])
		select {
		case <-time.After(time.Duration(random.IntN(3000)) * time.Microsecond): // random spacing
		case <-ctx.Done():
			return
		}
	}
}

func (l *liveWatching) watch(ctx context.Context, random *rand.Rand, path string) *waiting {
	filters := []watch.EventType{0, watch.Create, watch.Delete, watch.Modify, watch.Children, watch.Modify | watch.Delete}
	w := &waiting{path: path}
	w.Done = make(chan *watch.Event, 2)
	w.Recursive, w.Filter = random.IntN(2) == 1, filters[random.IntN(len(filters))]
	_, err := l.watcher.WithContext(ctx).Read(nil, path, &w.Watcher)
	switch {
	case ctx.Err() != nil:
		return w
	case err != nil && !errors.Is(err, pyxis.ErrNotFound):
		l.s.t.Error(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	w.since = len(l.all)
	l.set = append(l.set, w)
	return w
}

// change makes a change. What it raises counts for the watchers that were set
// before it began.
func (l *liveWatching) change(random *rand.Rand) {
	l.mu.Lock()
	at := len(l.all)
	l.all = append(l.all, happening{}, happening{}) // filled in when the change is done
	l.mu.Unlock()
	p := l.paths[random.IntN(len(l.paths))]
	var err error
	raised := []happening{{p, watch.Modify}}
	switch random.IntN(3) {
	case 0:
		err = l.actor.Create(nil, p, []byte("same"))
		raised = []happening{{p, watch.Create}, {path.Dir(p), watch.Children}}
	case 1:
		err = l.actor.Delete(nil, p)
		raised = []happening{{p, watch.Delete}, {path.Dir(p), watch.Children}}
	default:
		err = l.actor.Write(nil, p, []byte("same"))
	}
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		copy(l.all[at:], raised)
	}
}

// missing returns a watcher that lacks an event, or nil.
func (l *liveWatching) missing() *waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.set {
		if len(w.Done) == 0 && w.wants(l.all) {
			return w
		}
	}
	return nil
}
