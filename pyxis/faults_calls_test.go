package pyxis_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestP10_CallsWaitForTheConnection(t *testing.T) {
	// P10: calls before Connected failed, so no call worked right after NewClient.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		s.Node(0).Stop()
		c, _ := start(t, s, pyxis.Options{})
		go func() {
			time.Sleep(3 * time.Second)
			s.Node(0).Start()
		}()
		err := within(t, c, time.Second).Create(nil, "/x", nil)
		mustBe(t, err, pyxis.ErrConnecting)
		if !mentions(err, "refused") {
			t.Errorf("the error does not tell why: %v", err)
		}
		must(t, c.Create(nil, "/x", nil))
	})
}

func TestP28_NoGoroutinePerCall(t *testing.T) {
	// P28: each call had a goroutine, and with a mute server they piled up.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", nil))
		s.Node(0).Mute()
		before := runtime.NumGoroutine()
		for range 100 {
			mustBe(t, within(t, c, time.Millisecond).Write(nil, "/x", nil), pyxis.ErrOutcomeUnknown)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 5 { // timers start short-lived goroutines
			t.Errorf("%d goroutines more after 100 calls", n)
		}
		s.Node(0).Unmute()
	})
}

func TestP30_SidWhileReconnecting(t *testing.T) {
	// P30: Sid returned 0 and an error while reconnecting, although the client
	// knew the session.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		sid, err := c.Sid()
		must(t, err)
		s.Node(0).Stop()
		time.Sleep(time.Second)
		events.expect(t, "Connected", "Disconnected")
		if again, err := c.Sid(); err != nil || again != sid {
			t.Errorf("Sid: %d, %v, want %d", again, err, sid)
		}
	})
}
