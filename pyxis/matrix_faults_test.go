package pyxis_test

import (
	"context"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// soon limits the time until the client has reconnected after its first
// attempts.
const soon = 200 * time.Millisecond

// everyNode applies do to every node.
func everyNode(do func(*pyxistest.Node)) func(*scene) {
	return func(x *scene) {
		for _, n := range x.s.Nodes() {
			do(n)
		}
	}
}

// from adapts do to the type of fault.before and fault.begin.
func from(do func(*scene)) func(*scene, pyxistest.Ops) {
	return func(x *scene, _ pyxistest.Ops) { do(x) }
}

func restart(n *pyxistest.Node) { _ = n.Start() }

// never returns the outcome for a client that has never had a session: calls
// wait in vain, and Close has nothing to end.
func never(op string) outcome {
	o := outcome{took: patience, after: []string{"Connected"}}
	switch op {
	case "close":
		o.took = 2 * time.Second // a registration may be in flight
	case "idle":
	default:
		o.errs = []error{pyxis.ErrConnecting, context.DeadlineExceeded}
	}
	return o
}

// broken returns the outcome when the connection breaks within the given time:
// writes are lost, reads and watches are repeated, and Close unregisters over the
// next connection.
func broken(applied bool, took time.Duration) func(op string) outcome {
	return func(op string) outcome {
		o := outcome{applied: applied, took: took}
		switch op {
		case "close":
			o.events = []string{"Disconnected"}
		case "read", "watch":
			o.events = []string{"Disconnected", "Connected"}
		case "idle":
			o.took, o.events = patience, []string{"Disconnected", "Connected"}
		default:
			o.errs = []error{pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown}
			o.events, o.after = []string{"Disconnected"}, []string{"Connected"}
		}
		return o
	}
}

// silent returns the outcome when the server stops answering. Writes in flight
// are lost after three fifths of the session timeout. Everything else waits
// until its context ends, and the session expires meanwhile.
func silent(op string) outcome {
	o := outcome{
		took:   patience,
		events: []string{"Disconnected", "Suspended"}, after: []string{"SessionExpired", "Connected"}, fresh: true,
	}
	switch op {
	case "close":
		return outcome{took: 2 * time.Second, events: []string{"Disconnected"}, errs: []error{pyxis.ErrOutcomeUnknown}}
	case "idle":
	case "read", "watch":
		o.errs = []error{pyxis.ErrConnecting, context.DeadlineExceeded}
	default:
		return outcome{
			took: 3 * time.Second, events: []string{"Disconnected"}, after: []string{"Connected"},
			errs: []error{pyxis.ErrConnectionLost, pyxis.ErrOutcomeUnknown},
		}
	}
	return o
}

// leaderless returns the outcome while every server rejects requests: nothing
// is executed, so calls wait for a leader until their contexts end.
func leaderless(fresh bool) func(op string) outcome {
	return func(op string) outcome {
		o := outcome{took: patience, events: []string{"Disconnected", "Suspended"}, after: []string{"Connected"}, fresh: fresh}
		if fresh {
			o.after = []string{"SessionExpired", "Connected"}
		}
		switch op {
		case "close":
			return outcome{took: 2 * time.Second, events: []string{"Disconnected"}, errs: []error{pyxis.ErrOutcomeUnknown}}
		case "idle":
		default:
			o.errs = []error{pyxis.ErrConnecting, pyxis.ErrNotLeader, context.DeadlineExceeded}
		}
		return o
	}
}

// smooth returns the outcome when the call waits until the fault is over, or is
// not affected.
func smooth(took time.Duration, fresh bool, events ...string) func(op string) outcome {
	return func(op string) outcome {
		o := outcome{applied: true, took: took, events: events, fresh: fresh}
		switch op {
		case "close":
			if o.events = []string{"Disconnected"}; events[0] != "Disconnected" {
				o.events = append(slices.Clone(events), "Disconnected")
			}
		case "idle":
			o.took = patience
		}
		return o
	}
}

var faultMatrix = []fault{
	{
		name:   "dial refused",
		before: from(everyNode((*pyxistest.Node).Stop)),
		heal:   everyNode(restart),
		want:   never,
	},
	{
		name:   "dial unanswered",
		before: from(everyNode((*pyxistest.Node).HoldDials)),
		heal:   everyNode((*pyxistest.Node).ReleaseDials),
		want:   never,
	},
	{
		name:   "mute on connect",
		before: from(everyNode((*pyxistest.Node).Mute)),
		heal:   everyNode((*pyxistest.Node).Unmute),
		want:   never,
	},
	{
		name:  "mute after register",
		begin: from(everyNode((*pyxistest.Node).Mute)),
		heal:  everyNode((*pyxistest.Node).Unmute),
		want:  silent,
	},
	{
		name:  "cut before answer",
		begin: inject(pyxistest.Cut()),
		want:  broken(false, soon),
	},
	{
		name:  "cut after applying",
		begin: inject(pyxistest.CutAfter()),
		want:  broken(true, soon),
	},
	{
		name:  "cut within the answer",
		begin: inject(pyxistest.CutWithin(7)),
		want:  broken(true, soon),
	},
	{
		name:  "garbage frame",
		begin: inject(pyxistest.Garbage()),
		want:  broken(true, soon),
	},
	{
		name:  "huge length",
		begin: inject(pyxistest.HugeLength()),
		want:  broken(true, soon),
	},
	{
		name:  "slow bytes",
		begin: inject(pyxistest.SlowBytes(time.Second)),
		want: func(op string) outcome {
			o := broken(true, 3100*time.Millisecond)(op)
			if op == "close" { // it cannot distinguish slow from mute, and does not wait
				o.took, o.errs = 2*time.Second, []error{pyxis.ErrOutcomeUnknown}
			}
			return o
		},
	},
	{
		name:  "leader moves",
		begin: from(func(x *scene) { must(x.t, x.s.MoveLeader(1)) }),
		want:  smooth(soon, false, "Disconnected", "Connected"),
	},
	{
		name:  "leader steps down",
		begin: inject(pyxistest.FailAfter(pyxistest.CodeAgain, "net error, try again")),
		want: func(op string) outcome {
			o := broken(true, soon)(op)
			if op == "create ephemeral" || op == "write" {
				o.errs = []error{pyxis.ErrAgain, pyxis.ErrOutcomeUnknown}
			}
			return o
		},
	},
	{
		name:  "no leader",
		begin: from(func(x *scene) { x.s.NoLeader() }),
		heal:  func(x *scene) { must(x.t, x.s.MoveLeader(2)) },
		want:  leaderless(false),
	},
	{
		name: "redirect loop",
		begin: from(func(x *scene) {
			for i, n := range x.s.Nodes() {
				n.Inject(pyxistest.Fault{
					Match:  func(r pyxistest.Request) bool { return time.Now().Before(x.until) },
					Effect: pyxistest.NotLeader(x.s.Addrs()[(i+1)%3]),
				})
			}
		}),
		want: leaderless(true),
	},
	{
		name:  "session expires",
		begin: from(func(x *scene) { x.s.ExpireSession(x.sid) }),
		want:  smooth(soon, true, "SessionExpired", "Connected"),
	},
	{
		name: "session expires under the call",
		begin: func(x *scene, ops pyxistest.Ops) {
			x.s.InjectAll(pyxistest.Fault{Ops: ops, Times: 1, Match: func(r pyxistest.Request) bool {
				return x.s.ExpireSession(x.sid)
			}})
		},
		want: func(op string) outcome {
			o := outcome{took: soon, events: []string{"SessionExpired", "Connected"}, fresh: true}
			switch op {
			case "create ephemeral", "write":
				o.errs = []error{pyxis.ErrSessionExpired}
			case "close": // the end of the session is what Close wanted
				o.events = []string{"Disconnected"}
			case "idle":
				o.took = patience
			}
			return o
		},
	},
	{
		name: "server restarts",
		begin: from(func(x *scene) {
			everyNode((*pyxistest.Node).Stop)(x)
			time.AfterFunc(200*time.Millisecond, func() { everyNode(restart)(x) })
		}),
		want: smooth(2*time.Second, false, "Disconnected", "Connected"),
	},
}
