package clustertest

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxRequests bounds how many requests a peer remembers.
const maxRequests = 20000

// Request is a request that a peer has received.
type Request struct {
	Time   time.Time // when its header was there, by the cluster's clock
	Method string
	Target string // as in the request line
	// Route names the route as Routes does; empty if there is none.
	Route  string
	Header http.Header
	// Remote is the client's address; over libp2p its peer ID.
	Remote string
	// Status is 0 while there is no answer, and if there never was one.
	Status int
	// BodyBytes were read of the request's body, AnswerBytes written of the
	// answer's.
	BodyBytes, AnswerBytes int64
	// Done is set when the peer has finished, Aborted when it did so by cutting
	// the connection.
	Done, Aborted bool
}

// requestLog is what a peer remembers of its clients.
type requestLog struct {
	mu       sync.Mutex
	requests []*Request
	total    int
	open     int
	accepted int
}

// Requests returns the requests that the peer has received, oldest first, since
// the start or the last ResetRequests; at most the latest 20,000.
func (p *Peer) Requests() []Request {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	all := make([]Request, len(p.log.requests))
	for i, r := range p.log.requests {
		all[i] = *r
	}
	return all
}

// Count returns how many of these requests were for a route, such as
// "POST /add"; all of them, without bound, for the empty text.
func (p *Peer) Count(route string) int {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	if route == "" {
		return p.log.total
	}
	n := 0
	for _, r := range p.log.requests {
		if r.Route == route {
			n++
		}
	}
	return n
}

// ResetRequests forgets the requests.
func (p *Peer) ResetRequests() {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	p.log.requests, p.log.total = nil, 0
}

// Connections returns how many connections are open and how many were ever
// accepted. Over libp2p, streams are connections.
func (p *Peer) Connections() (open, accepted int) {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.open, p.log.accepted
}

func (l *requestLog) opened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.accepted++
}

func (l *requestLog) closed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
}

func (l *requestLog) add(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if len(l.requests) == maxRequests {
		l.requests = slices.Clone(l.requests[maxRequests/2:])
	}
	l.requests = append(l.requests, r)
}

// record logs a request and what becomes of it.
func (p *Peer) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := &Request{
			Time:   p.c.now(),
			Method: r.Method,
			Target: r.RequestURI,
			Header: r.Header.Clone(),
			Remote: r.RemoteAddr,
		}
		if rt, _, _ := findRoute(r.Method, r.URL.Path); rt != nil {
			entry.Route = rt.name()
		}
		p.log.add(entry)
		change := func(f func(*Request)) {
			p.log.mu.Lock()
			defer p.log.mu.Unlock()
			f(entry)
		}
		finished := false
		defer func() { change(func(e *Request) { e.Done, e.Aborted = true, !finished }) }()
		r.Body = &countedBody{ReadCloser: r.Body, change: change}
		next.ServeHTTP(&recorder{ResponseWriter: w, change: change}, r)
		finished = true
	})
}

type countedBody struct {
	io.ReadCloser
	change func(func(*Request))
}

func (b *countedBody) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	b.change(func(e *Request) { e.BodyBytes += int64(n) })
	return n, err
}

type recorder struct {
	http.ResponseWriter
	change func(func(*Request))
	status bool
}

func (w *recorder) WriteHeader(status int) {
	if !w.status {
		w.status = true
		w.change(func(e *Request) { e.Status = status })
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if !w.status {
		w.status = true
		w.change(func(e *Request) { e.Status = http.StatusOK })
	}
	n, err := w.ResponseWriter.Write(b)
	w.change(func(e *Request) { e.AnswerBytes += int64(n) })
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
