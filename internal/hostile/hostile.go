// Package hostile is a collection of answers that no client should be harmed
// by: what login pages, proxies, half-dead processes and attackers send in
// place of a cluster peer. It is data only; test/hostile sends each answer to
// every method of the clients.
package hostile

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// What the answers that look right are about.
const (
	CID  = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	Peer = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"
)

// An Answer is what a peer sends in answer to any request.
type Answer struct {
	// Name is unique in the collection.
	Name string
	// Wire is sent first: status line, header and body as they are.
	Wire string
	// Repeat is sent behind Wire, again and again, until it has taken Size
	// bytes. Eight # in it stand for a number that is another one each time.
	Repeat string
	// Size is in bytes; Endless is a Repeat that goes on while the client reads.
	Size int64
	// Slow sends one Repeat at a time, and pauses between them.
	Slow bool
	// Tail is sent last.
	Tail string
	// End is what happens behind it.
	End End

	// Means is how a client has to understand the answer.
	Means Meaning
	// Unexecuted says that the answer proves that the peer did not act on the
	// request.
	Unexecuted bool
	// May names the methods of client.Client that may take the answer for a
	// success. All others have to fail.
	May []string
}

// Endless is the Size of what never ends.
const Endless = -1

// End is what a peer does behind its answer.
type End int

// The ends.
const (
	Keep  End = iota // it reads the next request on the same connection
	Close            // it ends the connection
	Reset            // it ends the connection abruptly
	Hold             // it keeps the connection open and never sends anything again
)

// Meaning is what an answer says about the call and the peer.
type Meaning int

// The meanings.
const (
	// Rubbish is no answer of a cluster peer. Reads, idempotent writes and adds
	// may go to another peer, and the peer has failed.
	Rubbish Meaning = iota
	// Refusal is a proper refusal. It stands, and the peer is well.
	Refusal
	// Fault is a server's error. Only reads may go to another peer.
	Fault
	// Reported is a server's error in the trailer, which only the methods see
	// whose answer is a stream: as Fault for these, as Rubbish for others.
	Reported
	// Busy is 429, 502, 503 or 504: as Rubbish.
	Busy
	// Moved is a redirect that is not followed. Everything may go to another
	// peer, as nothing was done, and the peer has failed.
	Moved
	// Unjudged is an error whose consequences are not for this collection to
	// decide.
	Unjudged
)

// Flood says that the answer is large.
func (a Answer) Flood() bool { return !a.Slow && (a.Size == Endless || a.Size > 1<<20) }

// Hangs says that the answer does not come to its end: the client has to give
// up or to wait for its context.
func (a Answer) Hangs() bool { return a.End == Hold || a.Size == Endless }

const (
	counter = "########"
	block   = 32 << 10 // what is sent at a time of a flood, about
)

// Pieces returns what is sent, piece by piece. A piece is valid until the next
// one.
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
		headers(), lengths(), chunks(), trailers(), pages(), documents(), things(), streams(), floods(),
	)
}

// Methods that more than one answer can be right for.
var (
	// bodiless return nothing but an error, so that any good status is a success.
	bodiless = []string{"Health", "PeerRm"}
	// none is a list of nothing.
	none = append(slices.Clip(bodiless), "Allocations", "StatusAll", "RecoverAll", "Alerts", "Metrics", "MetricNames")
	// ofPin can take a pin for what they asked for, whatever comes behind it.
	ofPin = append(slices.Clip(bodiless), "Pin", "PinPath", "Unpin", "UnpinPath", "Allocation", "Status", "Recover", "StatusCids")
	// notOfPins do not look at what is peculiar to a pin.
	notOfPins = []string{"Add", "AddMultiFile", "Status", "Recover", "StatusAll", "RecoverAll", "StatusCids"}
	// nothing is what a server that returns no result answers.
	nothing = append(slices.Clip(bodiless), "Allocations", "StatusAll", "RecoverAll", "Pin", "PinPath", "Unpin", "UnpinPath")
)

// head returns a status line and header lines, and the empty line behind them.
func head(status string, lines ...string) string {
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + status + "\r\n")
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// sized returns an answer with a body whose length the header tells.
func sized(status, contentType, body string, lines ...string) string {
	lines = append(lines, "Content-Type: "+contentType, fmt.Sprintf("Content-Length: %d", len(body)))
	return head(status, lines...) + body
}

// object returns a good answer with a JSON body.
func object(body string) string { return sized("200 OK", "application/json", body) }

// refusal returns an answer with an error as the API words it.
func refusal(status, message string, lines ...string) string {
	return sized(status, "application/json", fmt.Sprintf(`{"code":%s,"message":"%s"}`+"\n", status[:3], message), lines...)
}

// streamed is the head of a listing.
func streamed() string {
	return head("200 OK", "Content-Type: application/json", "Trailer: X-Stream-Error", "Transfer-Encoding: chunked")
}

// chunk frames text as a chunk.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// last is the last chunk and the trailer of a success.
const last = "0\r\nX-Stream-Error: \r\n\r\n"

// Documents as a peer sends them.
const (
	pin    = `{"cid":"` + CID + `","type":"pin","mode":"recursive"}`
	status = `{"cid":"` + CID + `","peer_map":{"` + Peer + `":{"status":"pinned"}}}`
	id     = `{"id":"` + Peer + `","version":"1.1.6"}`
)
