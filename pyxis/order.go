package pyxis

import "github.com/pinfleet/pinfleet/pyxis/internal/mux"

// order knows which answers the server has certainly made before an event. It
// belongs to the goroutine that reads the connection.
//
// The server may send two answers in the other order than it made them, if they are
// ready at almost the same time. But an answer that it has made is sent before it
// reads a request that the client sends after the next answer. So the ping of an
// event was held, and the event had not happened yet, when the server executed a
// request that was sent after the ping, if the client has then sent another one
// and received its answer before the event. In the same way a request was executed
// before the event if another one was sent after its answer and was answered before
// the event.
type order struct {
	queued uint64 // requests sent when the answer at hand arrived
	latest uint64 // highest number of a request answered before it
	ping   uint64 // number of requests sent when the ping had been sent
	held   uint64 // requests sent when the first one after the ping was answered; 0 if none was
}

// answered records the answer to a call. pinged is the number of requests that were
// queued when the last ping had been.
func (o *order) answered(call *mux.Call, pinged uint64) {
	if o.ping != pinged {
		o.ping, o.held = pinged, 0
	}
	o.queued, o.latest = call.Queued, call.Latest
	if o.held == 0 && call.Number > pinged {
		o.held = call.Queued
	}
}

// certain returns a number for the event in the answer at hand: requests were
// executed before the event if fewer had been sent when they were answered. It
// returns 0 if that is not known of any.
func (o *order) certain() uint64 {
	if o.held == 0 || o.latest <= o.held {
		return 0
	}
	return o.latest
}
