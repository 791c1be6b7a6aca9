package pyxis_test

import (
	"context"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/pyxis"
)

// The live matrix is the part of the fault matrix that needs nothing of the
// service but its addresses: the faults are on the client's wire.

// wireFault is a column of the live matrix.
type wireFault struct {
	name  string
	begin func(s *liveService, w *wire, x *scene, op operation)
	heal  func(w *wire)
	// before is the number of events that the client delivers before the operation.
	before int
	want   func(op string) outcome
}

// over returns the outcome when the fault is over before the operation.
func over(fresh bool, events ...string) func(op string) outcome {
	return func(op string) outcome {
		o := outcome{applied: true, events: events, fresh: fresh}
		if op == "close" {
			o.events = append(slices.Clone(events), "Disconnected")
		}
		return o
	}
}

// loses returns a fault that loses all but the first keep bytes of the answer.
func loses(keep int) func(*liveService, *wire, *scene, operation) {
	return func(_ *liveService, w *wire, x *scene, op operation) { w.loseAnswer(keep, isOf(op.ops, x.node)) }
}

var liveMatrix = []wireFault{
	{
		name:  "none",
		begin: func(*liveService, *wire, *scene, operation) {},
		want:  over(false),
	},
	{
		name:   "connection cut",
		begin:  func(_ *liveService, w *wire, _ *scene, _ operation) { w.cut() },
		before: 2,
		want:   over(false, "Disconnected", "Connected"),
	},
	{name: "answer lost", begin: loses(0), want: broken(true, soon)},
	{name: "answer cut", begin: loses(9), want: broken(true, soon)},
	{
		name:  "silence",
		begin: func(_ *liveService, w *wire, _ *scene, _ operation) { w.mute() },
		heal:  (*wire).unmute,
		want:  silent,
	},
	{
		name:   "session ends",
		begin:  func(s *liveService, _ *wire, x *scene, _ operation) { s.endSession(x.sid) },
		before: 2,
		want:   over(true, "SessionExpired", "Connected"),
	},
}

func TestLiveMatrix(t *testing.T) {
	for _, f := range liveMatrix {
		for _, op := range operations {
			t.Run(f.name+"/"+op.name, func(t *testing.T) {
				onService(t, func(t *testing.T, s *liveService) { runLiveCell(t, s, f, op) })
			})
		}
	}
}

func runLiveCell(t *testing.T, s *liveService, f wireFault, op operation) {
	w := newWire(s)
	x := &scene{t: t, node: s.root + "/d", get: s.get, events: newRecorder()}
	must(t, s.c.Create(nil, x.node, nil))
	x.c = pyxis.NewClient(s.addrs, &pyxis.Options{DefaultWatcher: &x.events.Watcher, Dial: w.dial})
	defer x.c.Close()
	sid, err := x.c.Sid()
	must(t, err)
	x.sid = sid
	f.begin(s, w, x, op)
	s.eventually("the client has not noticed the fault", func() bool { return len(x.events.Done) >= 1+f.before })

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = op.run(x, x.c.WithContext(ctx))
	want := f.want(op.name)
	mustBe(t, err, want.errs...)
	if op.done != nil && op.done(x) != want.applied {
		t.Errorf("applied: %v, want %v", !want.applied, want.applied)
	}
	if f.heal != nil {
		f.heal(w)
	}
	events := slices.Concat([]string{"Connected"}, want.events, want.after)
	if op.name != "close" {
		_, err := within(t, x.c, hang).Read(nil, x.node, nil)
		must(t, err)
		sid, err := x.c.Sid()
		must(t, err)
		if (sid != x.sid) != want.fresh {
			t.Errorf("session %d after %d, want a new one: %v", sid, x.sid, want.fresh)
		}
		must(t, x.c.Close())
		if s.alive(sid) {
			t.Errorf("session %d is alive after Close", sid)
		}
		events = append(events, "Disconnected")
	}
	// After Close, no events come.
	if got := x.events.all(); !slices.Equal(got, events) {
		t.Errorf("events %q, want %q", got, events)
	}
	s.eventually("the first session is alive", func() bool { return want.fresh || !s.alive(x.sid) })
}

// all returns the events so far.
func (r *recorder) all() []string {
	var events []string
	for len(r.Done) > 0 {
		events = append(events, (<-r.Done).String())
	}
	return events
}
