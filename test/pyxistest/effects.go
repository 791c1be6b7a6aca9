package pyxistest

import (
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Effect replaces the normal answer of a request. If a ping is held, the
// effect takes place when the ping is answered. The zero value is a normal answer.
// For Connect, only Drop, Cut, Send, Garbage and HugeLength have a meaning. Drop
// then makes the node read nothing from the connection.
type Effect struct {
	unserved bool   // do not apply the request
	fail     *Error // send this error instead of the answer
	silent   bool   // send no answer
	raw      []byte // send these bytes instead of the answer
	keep     int    // if not 0, send only that many bytes of the answer
	end      ending
	copies   int // additional copies of the answer
	wait     time.Duration
	pace     time.Duration
}

// ending is what happens to a connection after an answer.
type ending int

const (
	goOn      ending = iota
	shutWrite        // shut down the sending side
	cut              // close the connection
)

// Drop ignores the request.
func Drop() Effect { return Effect{unserved: true, silent: true} }

// DropAnswer serves the request but does not answer it.
func DropAnswer() Effect { return Effect{silent: true} }

// Cut cuts the connection without serving the request.
func Cut() Effect { return Effect{unserved: true, silent: true, end: cut} }

// CutAfter serves the request and cuts the connection without answering.
func CutAfter() Effect { return Effect{silent: true, end: cut} }

// CutWithin serves the request and cuts the connection after n bytes of the
// answer. n is at least 1.
func CutWithin(n int) Effect { return Effect{keep: max(n, 1), end: cut} }

// Fail answers with an error without serving the request.
func Fail(code Code, data string) Effect {
	return Effect{unserved: true, fail: failure(code, data)}
}

// FailAfter serves the request and answers with an error, like a leader that
// steps down while the request is being replicated.
func FailAfter(code Code, data string) Effect { return Effect{fail: failure(code, data)} }

// NotLeader answers like a follower that names addr as the leader. addr can be
// any text. An empty addr is omitted from the answer, which a real server never does.
func NotLeader(addr string) Effect {
	if addr == "" {
		return Effect{unserved: true, fail: &Error{Code: CodeNotLeader}}
	}
	return Fail(CodeNotLeader, addr)
}

// Again answers like a node that knows no leader.
func Again() Effect { return Effect{unserved: true, fail: errNoLeader} }

// Send serves the request and sends raw instead of the answer.
func Send(raw []byte) Effect { return Effect{raw: slices.Clone(raw)} }

// Garbage serves the request and sends a frame with a wrong checksum instead of
// the answer.
func Garbage() Effect { return Send([]byte("\x00\x00\x00\x10pyxigarbagegarbage")) }

// HugeLength serves the request and sends the start of a frame with a length of
// 4 GiB instead of the answer.
func HugeLength() Effect { return Send([]byte("\xff\xff\xff\xffpyxi\x08\x01\x00\x00\x00\x00")) }

// Twice serves the request and answers it twice.
func Twice() Effect { return Effect{copies: 1} }

// Delay serves the request and answers after d. Later answers are sent meanwhile.
func Delay(d time.Duration) Effect { return Effect{wait: d} }

// SlowBytes serves the request and sends the answer byte by byte, with a pause
// of d before each. Later answers wait.
func SlowBytes(d time.Duration) Effect { return Effect{pace: d} }

// reply sends an answer with the effect applied.
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

// greet applies the effect to a new connection. It reports whether to read
// requests from it.
func (e *Effect) greet(c *conn) bool {
	if len(e.raw) > 0 || e.end != goOn {
		c.send(outgoing{raw: e.raw, end: e.end})
	}
	return !e.unserved
}
