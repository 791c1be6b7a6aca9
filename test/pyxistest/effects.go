package pyxistest

import (
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Effect is what befalls a request, in place of an ordinary answer. Where the
// request is a ping, being answered can come much later. The zero value is an
// ordinary answer. Upon a Connect, only Drop (nothing on the connection is ever
// read), Cut, Send, Garbage and HugeLength mean something.
type Effect struct {
	unserved bool   // the request is not applied
	fail     *Error // is answered instead
	silent   bool   // nothing is answered
	raw      []byte // is sent instead of the answer
	keep     int    // when not 0, only so many bytes of the answer are sent
	end      ending
	copies   int // beyond the first
	wait     time.Duration
	pace     time.Duration
}

// ending is what becomes of a connection after something was sent.
type ending int

const (
	goOn      ending = iota
	shutWrite        // the sending side is shut down
	cut              // the connection is closed
)

// Drop ignores the request.
func Drop() Effect { return Effect{unserved: true, silent: true} }

// DropAnswer serves the request and does not answer it.
func DropAnswer() Effect { return Effect{silent: true} }

// Cut closes the connection instead of serving the request.
func Cut() Effect { return Effect{unserved: true, silent: true, end: cut} }

// CutAfter serves the request and closes the connection instead of answering.
func CutAfter() Effect { return Effect{silent: true, end: cut} }

// CutWithin serves the request and closes the connection after n bytes of the
// answer, 1 at least.
func CutWithin(n int) Effect { return Effect{keep: max(n, 1), end: cut} }

// Fail answers an error instead of serving the request.
func Fail(code Code, data string) Effect {
	return Effect{unserved: true, fail: failure(code, data)}
}

// FailAfter serves the request and answers an error, as a leader does that steps
// down while the request is on its way to the others.
func FailAfter(code Code, data string) Effect { return Effect{fail: failure(code, data)} }

// NotLeader answers like a follower that takes addr, which may be anything, for
// the leader. Without an address it names nobody, which a real server never does.
func NotLeader(addr string) Effect {
	if addr == "" {
		return Effect{unserved: true, fail: &Error{Code: CodeNotLeader}}
	}
	return Fail(CodeNotLeader, addr)
}

// Again answers like a node that knows no leader.
func Again() Effect { return Effect{unserved: true, fail: errNoLeader} }

// Send serves the request and sends these bytes instead of the answer.
func Send(raw []byte) Effect { return Effect{raw: slices.Clone(raw)} }

// Garbage serves the request and sends a frame with a wrong checksum instead of
// the answer.
func Garbage() Effect { return Send([]byte("\x00\x00\x00\x10pyxigarbagegarbage")) }

// HugeLength serves the request and sends the beginning of a frame that claims to
// have 4 GiB instead of the answer.
func HugeLength() Effect { return Send([]byte("\xff\xff\xff\xffpyxi\x08\x01\x00\x00\x00\x00")) }

// Twice serves the request and answers it two times.
func Twice() Effect { return Effect{copies: 1} }

// Delay serves the request and answers d later; other answers overtake this one.
func Delay(d time.Duration) Effect { return Effect{wait: d} }

// SlowBytes serves the request and sends the answer byte by byte, with a pause of
// d before each. Later answers wait.
func SlowBytes(d time.Duration) Effect { return Effect{pace: d} }

// reply sends what becomes of an answer.
func (e *Effect) reply(c *conn, resp *pyxiswire.Response) {
	o := outgoing{resp: resp, raw: e.raw, keep: e.keep, pace: e.pace, end: e.end}
	if e.fail != nil {
		failed := e.fail.response()
		failed.Xid = resp.Xid
		o.resp = failed
	}
	if e.silent || e.raw != nil {
		o.resp = nil
	}
	if e.silent && e.end == goOn {
		return
	}
	for range 1 + e.copies {
		if e.wait > 0 {
			c.sendLater(o, e.wait)
		} else {
			c.send(o)
		}
	}
}

// greet does what befalls a connection at its beginning, and reports whether its
// requests are to be read.
func (e *Effect) greet(c *conn) bool {
	if len(e.raw) > 0 || e.end != goOn {
		c.send(outgoing{raw: e.raw, end: e.end})
	}
	return !e.unserved
}
