package clustertest

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxRequests is the number of requests at which a peer drops the older half.
const maxRequests = 20000

// Request describes a request that a peer has received.
type Request struct {
	Time   time.Time // when its header had arrived, by the cluster's clock
	Method string
	Target string // as in the request line
	// Route is the route's name, as in Routes; empty if no route matches.
	Route  string
	Header http.Header
	// Remote is the client's address, or its peer ID over libp2p.
	Remote string
	// Status is the answer's status, or 0 if no answer has been sent yet. It stays
	// 0 for Undelimited.
	Status int
	// BodyBytes is the number of bytes read from the request's body. AnswerBytes is
	// the number written to the answer's body; it stays 0 for Undelimited.
	BodyBytes, AnswerBytes int64
	// Done reports whether the handler has ended, Aborted whether it ended by
	// cutting the connection.
	Done, Aborted bool
}

// requestLog records a peer's requests and counts its connections.
type requestLog struct {
	mu       sync.Mutex
	requests []*Request
	total    int
	open     int
	accepted int
}

// Requests returns the requests since the start or the last ResetRequests,
// oldest first. Whenever there are 20,000, the peer drops the older half.
func (p *Peer) Requests() []Request {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	all := make([]Request, len(p.log.requests))
	for i, r := range p.log.requests {
		all[i] = *r
	}
	return all
}

// Count returns the number of requests for a route, such as "POST /add", among
// those that Requests returns. An empty route counts all requests since the
// start or the last ResetRequests.
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

// ResetRequests clears the record of requests.
func (p *Peer) ResetRequests() {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	p.log.requests, p.log.total = nil, 0
}

// Connections returns the number of open connections and the number accepted
// since the start. Over libp2p, it counts streams.
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

// record logs each request and its outcome.
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

// Unwrap lets http.ResponseController reach the underlying writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
