package pyxis

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// A persistent watch over nodes that come and go keeps nothing of those that have
// gone, and at its end nothing but what the server may still send.
func TestRegistryForgetsWhatHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pyxistest.New(t, pyxistest.Options{Network: pyxistest.Memory})
		c := NewClient(s.Addrs(), &Options{Dial: s.DialContext})
		defer c.Close()
		if err := c.Create(nil, "/d", nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var tree map[string]struct{}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for u := range c.WithContext(ctx).Watch(&WatchOption{Recursive: true}, "/d") {
				if u != nil {
					tree = make(map[string]struct{})
					for path := range u.Nodes {
						tree[path] = struct{}{}
					}
				}
			}
		}()
		slots := func() int {
			synctest.Wait()
			c.core.watches.mu.Lock()
			defer c.core.watches.mu.Unlock()
			for sub := range c.core.watches.subs {
				if len(sub.gone)+len(sub.stale) > 0 {
					t.Errorf("left to read: %v, deleted: %v", sub.stale, sub.gone)
				}
			}
			return len(c.core.watches.slots)
		}
		for i := range 100 {
			path := fmt.Sprintf("/d/%d", i)
			if err := s.Create(path, nil); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				synctest.Wait()
			}
			if err := s.Create(path+"/below", nil); err != nil {
				t.Fatal(err)
			}
			if n := slots(); n != 3 || len(tree) != 3 {
				t.Fatalf("%d slots for the %d nodes after creation %d", n, len(tree), i)
			}
			if err := s.Delete(path + "/below"); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(path); err != nil {
				t.Fatal(err)
			}
			if n := slots(); n != 1 || len(tree) != 1 {
				t.Fatalf("%d slots for the %d nodes after deletion %d", n, len(tree), i)
			}
		}
		cancel()
		<-ended
		if n, subs := slots(), len(c.core.watches.subs); n != 1 || subs != 0 {
			t.Errorf("%d slots and %d subscriptions after the watch", n, subs)
		}
		if err := s.Write("/d", nil); err != nil {
			t.Fatal(err)
		}
		if n := slots(); n != 0 {
			t.Errorf("%d slots after the last event", n)
		}
	})
}

// A watch that ends during its first look leaves nothing behind.
func TestRegistryForgetsAWatchThatEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pyxistest.New(t, pyxistest.Options{Network: pyxistest.Memory})
		c := NewClient(s.Addrs(), &Options{Dial: s.DialContext})
		defer c.Close()
		for i := range 10 {
			if err := s.Create(fmt.Sprintf("/%d", i), nil); err != nil {
				t.Fatal(err)
			}
		}
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Stat, Effect: pyxistest.Delay(time.Second)})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond) // the children are being read
		defer cancel()
		for _, err := range c.WithContext(ctx).Watch(&WatchOption{Recursive: true}, "/") {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		r := c.core.watches
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.slots) != 11 {
			t.Errorf("%d slots for 11 watches at the server", len(r.slots))
		}
		for path, s := range r.slots {
			if len(s.subs) != 0 || s.requests != 1 {
				t.Errorf("%s has %d subscriptions after %d requests", path, len(s.subs), s.requests)
			}
		}
	})
}
