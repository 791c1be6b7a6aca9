// Package hostile is a collection of answers that must not harm a client. They are
// answers of login pages and proxies, of processes that have partly failed, and of
// attackers that pose as a cluster peer. The package is data only; test/hostile
// sends each answer to every method of the clients.
package hostile

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// The CID and the peer ID in the well-formed answers.
const (
	CID  = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	Peer = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"
)

// Answer is a fixed answer to any request, as the bytes that are written to the
// connection.
type Answer struct {
	// Name is unique in the collection.
	Name string
	// Wire is sent first. It holds status line, header and body, unmodified.
	Wire string
	// Repeat is sent after Wire, again and again, until at least Size bytes of it
	// are sent. If it contains ########, this is replaced by a different number each
	// time.
	Repeat string
	// Size is the minimum number of bytes to send of Repeat. If it is Endless,
	// Repeat is sent for as long as the client reads.
	Size int64
	// Slow sends one Repeat at a time, with pauses in between.
	Slow bool
	// Tail is sent last.
	Tail string
	// End says what the peer does after the answer.
	End End

	// Means says how a client must interpret the answer.
	Means Meaning
	// Unexecuted is set if the answer proves that the peer did not execute the
	// request.
	Unexecuted bool
	// May names the methods of client.Client that may accept the answer as a
	// success. All other methods must fail.
	May []string
}

// Endless is the Size of an answer that never ends.
const Endless = -1

// End says what a peer does after its answer. The zero value is Keep.
type End int

// The ends.
const (
	Keep  End = iota // read the next request on the same connection
	Close            // close the connection
	Reset            // reset the connection
	Hold             // keep the connection open and send nothing more
)

// Meaning says what an answer means for the call and for the peer. The zero value
// is Rubbish.
type Meaning int

// The meanings.
const (
	// Rubbish is not an answer of a cluster peer. The peer has failed, and reads,
	// idempotent writes and adds may be sent to another peer.
	Rubbish Meaning = iota
	// Refusal is a regular rejection of the request. The call fails with the error
	// in the answer, but the peer has not failed.
	Refusal
	// Fault is a server's error. Only reads may be sent to another peer.
	Fault
	// Reported is a server's error in the trailer. Methods whose response is a
	// stream read the trailer and treat it as Fault. Other methods treat the
	// answer as Rubbish.
	Reported
	// Busy is a status of a proxy or of a rate limit, such as 429 or any status above
	// 500. It is treated as Rubbish.
	Busy
	// Moved is a redirect that the client does not follow. The peer has failed, and
	// every call may be sent to another peer, because the request was not executed.
	Moved
	// Unjudged is an error whose consequences this collection does not specify.
	Unjudged
)

// Flood reports whether the answer is large and fast.
func (a Answer) Flood() bool { return !a.Slow && (a.Size == Endless || a.Size > 1<<20) }

// Hangs reports whether the answer does not end soon, so that the client must give
// up by itself or with its context.
func (a Answer) Hangs() bool { return a.End == Hold || a.Size != 0 }

const (
	counter = "########"
	block   = 32 << 10 // approximate size of a piece of a flood, in bytes
)

// Pieces yields the bytes to send. A piece is valid until the next one is yielded.
func (a Answer) Pieces() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if a.Wire != "" && !yield([]byte(a.Wire)) {
			return
		}
		if a.Repeat != "" && !a.repeat(yield) {
			return
		}
		if a.Tail != "" {
			yield([]byte(a.Tail))
		}
	}
}

func (a Answer) repeat(yield func([]byte) bool) bool {
	times := 1
	if !a.Slow {
		times = max(block/len(a.Repeat), 1)
	}
	piece := []byte(strings.Repeat(a.Repeat, times))
	at := strings.Index(a.Repeat, counter)
	number := 0
	for sent := int64(0); a.Size == Endless || sent < a.Size; sent += int64(len(piece)) {
		for i := 0; at >= 0 && i < times; i++ {
			copy(piece[i*len(a.Repeat)+at:], fmt.Sprintf("%08x", number))
			number++
		}
		if !yield(piece) {
			return false
		}
	}
	return true
}

// All returns the collection.
func All() []Answer {
	return slices.Concat(
		statusLines(), informational(), successes(), redirects(), clientErrors(), serverErrors(),
		headers(), lengths(), chunks(), trailers(), pages(), documents(), things(), streams(), adds(), floods(),
	)
}

// Values of Answer.May for several answers.
var (
	// bodiless are the methods that return only an error. For them, every good
	// status is a success.
	bodiless = []string{"Health", "PeerRm"}
	// none are the methods that may return an empty list.
	none = append(slices.Clip(bodiless), "Allocations", "StatusAll", "RecoverAll", "Alerts", "Metrics", "MetricNames")
	// ofPin are the methods that accept a pin as their result and ignore the rest
	// of the body.
	ofPin = append(slices.Clip(bodiless), "Pin", "PinPath", "Unpin", "UnpinPath", "Allocation", "Status", "Recover", "StatusCids")
	// notOfPins are the methods that do not decode the fields particular to a pin.
	notOfPins = []string{"Status", "Recover", "StatusAll", "RecoverAll", "StatusCids"}
	// nothing are the methods that accept a response without a body.
	nothing = append(slices.Clip(bodiless), "Allocations", "StatusAll", "RecoverAll", "Pin", "PinPath", "Unpin", "UnpinPath")
)

// head returns a status line, the given header lines and an empty line.
func head(status string, lines ...string) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + status + "\r\n")
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// sized returns an answer with a Content-Length and a body.
func sized(status, contentType, body string, lines ...string) string {
	lines = append(lines, "Content-Type: "+contentType, fmt.Sprintf("Content-Length: %d", len(body)))
	return head(status, lines...) + body
}

// object returns an answer with status 200 and a JSON body.
func object(body string) string { return sized("200 OK", "application/json", body) }

// refusal returns an answer with an error in the form of the API.
func refusal(status, message string, lines ...string) string {
	return sized(status, "application/json", fmt.Sprintf(`{"code":%s,"message":"%s"}`+"\n", status[:3], message), lines...)
}

// streamed returns the head of a streamed listing.
func streamed() string {
	return head("200 OK", "Content-Type: application/json", "Trailer: X-Stream-Error", "Transfer-Encoding: chunked")
}

// chunk returns text as one chunk of a chunked body.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// last is the last chunk with the trailer of a success.
const last = "0\r\nX-Stream-Error: \r\n\r\n"

// Documents in the form in which a peer sends them.
const (
	pin    = `{"cid":"` + CID + `","type":"pin","mode":"recursive"}`
	status = `{"cid":"` + CID + `","peer_map":{"` + Peer + `":{"status":"pinned"}}}`
	id     = `{"id":"` + Peer + `","version":"1.1.6"}`
)
