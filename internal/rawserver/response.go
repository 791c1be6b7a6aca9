package rawserver

import (
	"bytes"
	"fmt"
	"net/http"
)

// Framing determines how a client finds the end of a body.
type Framing string

// The framings.
const (
	Length  Framing = "length"  // Content-Length, which Header must contain unless Body is empty
	Chunked Framing = "chunked" // chunks, followed by Trailers
	Close   Framing = "close"   // the end of the connection
)

// A Response is written as specified. Apart from the framing of the body,
// nothing is added, sorted or checked.
type Response struct {
	Proto    string // empty means HTTP/1.1
	Status   int
	Reason   string // empty means the usual one for Status
	Header   [][2]string
	Body     []byte
	Framing  Framing
	Chunks   []int // sizes of the chunks; nil means one chunk with all of Body
	Trailers [][2]string
}

// Wire returns the bytes of the response.
func (r Response) Wire() []byte {
	var b bytes.Buffer
	b.Write(r.head())
	if r.Framing != Chunked {
		b.Write(r.Body)
		return b.Bytes()
	}
	rest := r.Body
	for _, n := range r.chunks() {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	b.WriteString("0\r\n")
	for _, t := range r.Trailers {
		fmt.Fprintf(&b, "%s: %s\r\n", t[0], t[1])
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// Answer returns an Answer that consists of the response. It closes the
// connection if the framing requires it.
func (r Response) Answer() Answer {
	return Answer{Pieces: [][]byte{r.Wire()}, Close: r.Framing == Close}
}

func (r Response) head() []byte {
	proto, reason := r.Proto, r.Reason
	if proto == "" {
		proto = "HTTP/1.1"
	}
	if reason == "" {
		reason = http.StatusText(r.Status)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d %s\r\n", proto, r.Status, reason)
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (r Response) chunks() []int {
	if r.Chunks == nil && len(r.Body) > 0 {
		return []int{len(r.Body)}
	}
	return r.Chunks
}

// JSON returns an Answer with a JSON document.
func JSON(status int, body string) Answer {
	return Response{
		Status:  status,
		Header:  [][2]string{{"Content-Type", "application/json"}, {"Content-Length", fmt.Sprint(len(body))}},
		Body:    []byte(body),
		Framing: Length,
	}.Answer()
}

// Stream returns the response to a listing, with each document in its own
// chunk. As in the daemon's responses, the trailer holds an empty value, and
// then the errors.
func Stream(items []string, errors ...string) Response {
	r := Response{
		Status:   http.StatusOK,
		Header:   [][2]string{{"Content-Type", "application/json"}, {"Trailer", "X-Stream-Error"}, {"Transfer-Encoding", "chunked"}},
		Framing:  Chunked,
		Trailers: [][2]string{{"X-Stream-Error", ""}},
	}
	r.add(items)
	for _, e := range errors {
		r.Trailers = append(r.Trailers, [2]string{"X-Stream-Error", e})
	}
	return r
}

// AddStream returns the response to an add. It has a trailer only if there are
// errors, and the header announces that the connection will be closed.
func AddStream(items []string, errors ...string) Response {
	r := Stream(items, errors...)
	r.Header = append(r.Header, [2]string{"Connection", "close"})
	r.Trailers = r.Trailers[1:]
	return r
}

func (r *Response) add(items []string) {
	for _, item := range items {
		r.Body = append(append(r.Body, item...), '\n')
		r.Chunks = append(r.Chunks, len(item)+1)
	}
}
