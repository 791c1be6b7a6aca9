package pyxis_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestTakingUpASession(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		alive := newRawSession(t, s)
		c, events := start(t, s, pyxis.Options{Sid: alive.sid})
		if sid, err := c.Sid(); err != nil || sid != alive.sid {
			t.Errorf("session %d, %v, want %d", sid, err, alive.sid)
		}
		events.expect(t, "Connected")
		must(t, c.Close())

		c, events = start(t, s, pyxis.Options{Sid: alive.sid}) // that session has just ended
		if sid, err := c.Sid(); err != nil || sid == alive.sid {
			t.Errorf("session %d, %v, which has ended", sid, err)
		}
		events.expect(t, "SessionExpired", "Connected")
	})
}

func TestCloseEndsASessionThatWasNeverTakenUp(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		alive := newRawSession(t, s)
		s.Node(0).HoldDials()
		c, _ := start(t, s, pyxis.Options{Sid: alive.sid})
		time.AfterFunc(time.Second, s.Node(0).ReleaseDials)
		time.Sleep(100 * time.Millisecond)
		must(t, c.Close())
		if left := s.Sessions(); len(left) != 0 {
			t.Errorf("sessions left: %v", left)
		}
	})
}

func TestSuspendedIsTakenBackOnALivingConnection(t *testing.T) {
	// A late answer still proves that the session is alive.
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, events := s.client(pyxis.Options{ServerTick: 5 * time.Second})
		r := s.accept()
		r.register(1)
		events.expect(t, "Connected")
		time.Sleep(2500*time.Millisecond - 1)
		events.expect(t)
		time.Sleep(time.Nanosecond)
		events.expect(t, "Suspended")
		state := newRecorder()
		defer c.Notify(&state.Watcher)()
		state.expect(t, "Connected", "Suspended")

		r.answer(r.await(func(m *pyxiswire.Request) bool { return m.Ping == nil && m.Read == nil }), &pyxiswire.Response{})
		events.expect(t, "Connected")
		state.expect(t, "Connected")
		if _, until := c.Session(); time.Until(until) != time.Second {
			t.Errorf("certain for %v, want 1 s: the beat was sent after 1 s", time.Until(until))
		}
		r.nc.Close()
	})
}

func TestTwoClientsOnOneSessionDoNotSpin(t *testing.T) {
	// The server answers one client's ping when the other's arrives. Without a
	// limit, both would ping as fast as they can.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		records := &countingHandler{}
		one, _ := start(t, s, pyxis.Options{Logger: records.logger()})
		sid, err := one.Sid()
		must(t, err)
		two, _ := start(t, s, pyxis.Options{Sid: sid, Logger: records.logger()})
		_, err = two.Sid()
		must(t, err)
		s.ResetRequests()
		time.Sleep(time.Minute)
		if n := s.Count(pyxistest.Ping); n > 600 {
			t.Errorf("%d pings in a minute", n)
		}
		if records.count("displaced") == 0 {
			t.Error("nothing was logged")
		}
	})
}

func TestNotify(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		early := newRecorder()
		stop := c.Notify(&early.Watcher)
		events.expect(t, "Connected")
		early.expect(t, "Connected")
		late := newRecorder()
		late.Filter = watch.Modify // has no effect on state events
		c.Notify(&late.Watcher)
		late.expect(t, "Connected")
		stop()
		stop()
		s.Node(0).CutConnections()
		time.Sleep(time.Second)
		early.expect(t)
		late.expect(t, "Disconnected", "Connected")
		must(t, c.Close())
		late.expect(t, "Disconnected")
		c.Notify(&early.Watcher)()
		early.expect(t)
	})
}

func TestNotifyStopsWhileNobodyListens(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		_, err := c.Sid()
		must(t, err)
		stop := c.Notify(&pyxis.Watcher{Done: make(chan *watch.Event)})
		synctest.Wait()
		stop()
		c.Notify(&pyxis.Watcher{Done: make(chan *watch.Event)})
		must(t, c.Close()) // ends the delivery to the second watcher
	})
}

func TestCloseIsBoundedAndIdempotent(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{CloseTimeout: 700 * time.Millisecond})
		_, err := c.Sid()
		must(t, err)
		s.Node(0).Mute()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if d := elapsed(func() { mustBe(t, c.Close(), pyxis.ErrOutcomeUnknown) }); d != 700*time.Millisecond {
					t.Errorf("Close took %v", d)
				}
			})
		}
		wg.Wait()
		if d := elapsed(func() { mustBe(t, c.Close(), pyxis.ErrOutcomeUnknown) }); d != 0 {
			t.Errorf("Close took %v after Close", d)
		}
		s.Node(0).Unmute()

		c, _ = start(t, s, pyxis.Options{})
		_, err = c.Sid()
		must(t, err)
		s.Node(0).Mute()
		if d := elapsed(func() { mustBe(t, within(t, c, time.Second).Close(), pyxis.ErrOutcomeUnknown) }); d != time.Second {
			t.Errorf("Close took %v, its context ended after 1 s", d)
		}
		s.Node(0).Unmute()
	})
}

func TestCloseGivesUpCallsInFlight(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", nil))
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Write, Effect: pyxistest.Drop()})
		err := async(func() error { return c.Write(nil, "/x", nil) })
		synctest.Wait()
		must(t, c.Close())
		mustBe(t, err(), pyxis.ErrClosed, pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown)
	})
}

func TestCloseDoesNotWaitForADialThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		c := pyxis.NewClient([]string{"a:1"}, &pyxis.Options{Dial: func(context.Context, string, string) (net.Conn, error) {
			<-over
			return nil, net.ErrClosed
		}})
		if d := elapsed(func() { must(t, c.Close()) }); d > 4*time.Second {
			t.Errorf("Close took %v", d)
		}
		close(over)
	})
}

func TestContextsOfViews(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/x", nil))
		ctx, cancel := context.WithCancel(t.Context())
		view := c.WithContext(ctx)
		must(t, view.Write(nil, "/x", nil))
		s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Write | pyxistest.Stat, Effect: pyxistest.Drop()})
		write := async(func() error { return view.Write(nil, "/x", nil) })
		read := async(func() error { _, err := view.Read(nil, "/x", nil); return err })
		synctest.Wait()
		cancel()
		mustBe(t, write(), context.Canceled, pyxis.ErrOutcomeUnknown)
		mustBe(t, read(), context.Canceled)
		s.ResetRequests()
		mustBe(t, view.Write(nil, "/x", nil), context.Canceled)
		for _, err := range view.Watch(nil, "/x") {
			mustBe(t, err, context.Canceled)
		}
		if n := s.Count(pyxistest.Write | pyxistest.Stat); n != 0 {
			t.Errorf("%d requests of a view whose context had ended", n)
		}
		// Calls without a deadline get CallTimeout; a negative one means no limit.
		if d := elapsed(func() { mustBe(t, c.Write(nil, "/x", nil), context.DeadlineExceeded) }); d != 10*time.Second {
			t.Errorf("the call took %v", d)
		}
		free, _ := start(t, s, pyxis.Options{CallTimeout: -1})
		if d := elapsed(func() { mustBe(t, within(t, free, time.Hour).Write(nil, "/x", nil), context.DeadlineExceeded) }); d != time.Hour {
			t.Errorf("the call took %v", d)
		}
	})
}

func TestAnswersThatNoServerShouldGive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, events := s.client(pyxis.Options{})
		r := s.accept()
		r.answer(r.await(isRegister), &pyxiswire.Response{}) // without a session
		r = s.accept()
		r.refuse(r.await(isRegister), pyxiswire.ErrorType_SESSION_EXPIRED, "which one?")
		r = s.accept()
		r.register(7)
		events.expect(t, "Connected")
		write := func(m *pyxiswire.Response) error {
			done := async(func() error { return c.Write(nil, "/x", nil) })
			r.answer(r.await(isWrite), m)
			return done()
		}
		mustBe(t, write(&pyxiswire.Response{Err: &pyxiswire.Error{Type: pyxiswire.ErrorType(99).Enum()}}), pyxis.ErrUnknown)
		must(t, write(&pyxiswire.Response{Err: &pyxiswire.Error{Type: pyxiswire.ErrorType_NONE.Enum()}}))
		done := async(func() error { _, err := c.Read(nil, "/x", nil); return err })
		r.answer(r.await(isStat), &pyxiswire.Response{Data: []byte("\xff\xff\xff")})
		mustBe(t, done(), pyxis.ErrUnknown)
		done = async(func() error { _, err := c.Read(nil, "/x", nil); return err })
		r.answer(r.await(isStat), &pyxiswire.Response{}) // a node without any attribute
		must(t, done())
		// An event of an unknown kind, and one that only the client may make.
		for _, kind := range []uint32{0, 0x10, 0x8000} {
			r.event("/x", "/x", kind)
		}
		events.expect(t)
		r.nc.Close()
	})
}
