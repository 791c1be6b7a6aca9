package pyxis

import (
	"testing"
	"testing/synctest"

	"github.com/pinfleet/pinfleet/pyxis/watch"
)

func TestMailboxKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox(&Watcher{Done: make(chan *watch.Event, 2), User: 7})
		kinds := []watch.EventType{watch.Connected, watch.Disconnected, watch.SessionExpired, watch.Connected}
		for _, kind := range kinds {
			m.state(kind)
		}
		if m.node(watch.Event{Path: "/x", Type: watch.Modify}) {
			t.Error("an event of a node overtook those of the state")
		}
		for _, want := range kinds {
			if e := <-m.w.Done; e.Type != want || e.User != 7 {
				t.Errorf("%v of %v, want %v", e, e.User, want)
			}
		}
		synctest.Wait()
		if !m.node(watch.Event{Path: "/x", Type: watch.Modify}) {
			t.Error("there is room again")
		}
		m.close()
	})
}

func TestMailboxIsBounded(t *testing.T) {
	// A consumer that is stuck for months does not receive events that cancel each
	// other, but the last event it receives is the current state.
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox(&Watcher{Done: make(chan *watch.Event)})
		expired := 0
		for i := range 100_000 {
			m.state(watch.Connected)
			if m.state(watch.Disconnected); i%1000 == 0 {
				m.state(watch.SessionExpired)
				expired++
			}
		}
		if n := len(m.waiting); n > maxWaiting+4*expired {
			t.Errorf("%d events wait", n)
		}
		var last watch.EventType
		for {
			synctest.Wait()
			m.mu.Lock()
			left := len(m.waiting)
			m.mu.Unlock()
			if left == 0 {
				break
			}
			e := <-m.w.Done
			if e.Type == last {
				t.Fatalf("two %v in a row", e)
			}
			if last = e.Type; e.Type == watch.SessionExpired {
				expired--
			}
		}
		if expired != 0 || last != watch.Disconnected {
			t.Errorf("%d SessionExpired are missing, the last event is %v", expired, last)
		}
		m.close()
	})
}

func TestMailboxCloseDeliversWhatHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMailbox(&Watcher{Done: make(chan *watch.Event, 1)})
		for _, kind := range []watch.EventType{watch.Connected, watch.Disconnected, watch.Connected} {
			m.state(kind)
		}
		synctest.Wait()
		first := <-m.w.Done
		m.close()
		m.close()
		if e := <-m.w.Done; first.Type != watch.Connected || e.Type != watch.Disconnected {
			t.Errorf("%v, then %v", first, e)
		}
		m.state(watch.Connected) // after close
		if len(m.w.Done) > 1 {
			t.Error("delivered after close")
		}
	})
}
