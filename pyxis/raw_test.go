package pyxis_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// rawServer lets a test act as the server, frame by frame.
type rawServer struct {
	t     *testing.T
	conns chan net.Conn
}

func newRawServer(t *testing.T) *rawServer {
	return &rawServer{t: t, conns: make(chan net.Conn)}
}

// dial is an Options.Dial. accept returns the server's end of its connections.
func (s *rawServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case s.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// client returns a client of the server.
func (s *rawServer) client(opt pyxis.Options) (*pyxis.Client, *recorder) {
	r := newRecorder()
	opt.DefaultWatcher, opt.Dial = &r.Watcher, s.dial
	c := pyxis.NewClient([]string{"raw:1"}, &opt)
	s.t.Cleanup(func() { _ = c.Close() })
	return c, r
}

// rawConn is the server's end of a connection. Requests are queued on arrival
// so that the client's writer never blocks.
type rawConn struct {
	t  *testing.T
	nc net.Conn

	mu       sync.Mutex
	changed  *sync.Cond
	requests []rawRequest
	over     bool
}

// rawRequest is a request and its bytes on the wire.
type rawRequest struct {
	*pyxiswire.Request
	payload []byte
}

func (s *rawServer) accept() *rawConn {
	c := &rawConn{t: s.t, nc: <-s.conns}
	c.changed = sync.NewCond(&c.mu)
	go c.read()
	s.t.Cleanup(func() { _ = c.nc.Close() })
	return c
}

func (c *rawConn) read() {
	frames := pyxiswire.NewReader(c.nc, 0)
	for {
		payload, err := frames.Next()
		c.mu.Lock()
		if err != nil {
			c.over = true
		} else if m, err := pyxiswire.DecodeRequest(payload); err == nil {
			c.requests = append(c.requests, rawRequest{m, append([]byte(nil), payload...)})
		} else {
			c.t.Errorf("undecodable request %x: %v", payload, err)
		}
		over := c.over
		c.changed.Broadcast()
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// await returns the next request for which wanted returns true. It removes only
// that request from the queue.
func (c *rawConn) await(wanted func(*pyxiswire.Request) bool) rawRequest {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for i, r := range c.requests {
			if wanted(r.Request) {
				c.requests = append(c.requests[:i:i], c.requests[i+1:]...)
				return r
			}
		}
		if c.over {
			c.t.Fatal("the client closed the connection, its request did not come")
		}
		c.changed.Wait()
	}
}

// send sends an answer.
func (c *rawConn) send(m *pyxiswire.Response) {
	c.t.Helper()
	frame, err := pyxiswire.AppendFrame(nil, m)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.nc.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

// answer sends the answer to a request.
func (c *rawConn) answer(r rawRequest, m *pyxiswire.Response) {
	c.t.Helper()
	m.Xid = r.Xid
	c.send(m)
}

// register answers a registration with a session.
func (c *rawConn) register(sid uint64) {
	c.t.Helper()
	c.answer(c.await(isRegister), &pyxiswire.Response{Sid: &sid})
}

// event answers the ping in flight with an event.
func (c *rawConn) event(watched, path string, kind uint32) {
	c.t.Helper()
	c.answer(c.await(isPing), &pyxiswire.Response{
		Path:  &watched,
		Watch: &pyxiswire.WatchEvent{Path: &path, Type: &kind},
	})
}

// ask begins a read of a node by a client, and returns its request. wait returns the error of
// the read.
func (c *rawConn) ask(by *pyxis.Client, path string, w *recorder) (m rawRequest, wait func() error) {
	c.t.Helper()
	wait = async(func() error { _, err := by.Read(nil, path, &w.Watcher); return err })
	return c.await(isStat), wait
}

// serveRead answers a read of a node by a client.
func (c *rawConn) serveRead(by *pyxis.Client, path string, w *recorder, version uint64) {
	c.t.Helper()
	m, wait := c.ask(by, path, w)
	c.node(m, version)
	must(c.t, wait())
}

// node answers a stat.
func (c *rawConn) node(r rawRequest, version uint64, children ...string) {
	c.t.Helper()
	data, _ := proto.Marshal(&pyxiswire.Node{
		Data: []byte{}, Children: children, Flags: proto.Uint32(0), Version: &version, Sid: proto.Uint64(1),
	})
	c.answer(r, &pyxiswire.Response{Data: data})
}

func isRegister(m *pyxiswire.Request) bool   { return m.Register != nil }
func isUnregister(m *pyxiswire.Request) bool { return m.Unregister != nil }
func isPing(m *pyxiswire.Request) bool       { return m.Ping != nil }
func isStat(m *pyxiswire.Request) bool       { return m.Stat != nil }
func isWrite(m *pyxiswire.Request) bool      { return m.Write != nil }
func isCreate(m *pyxiswire.Request) bool     { return m.Create != nil }
func isDelete(m *pyxiswire.Request) bool     { return m.Delete != nil }

// refuse answers with an error.
func (c *rawConn) refuse(r rawRequest, code pyxiswire.ErrorType, data string) {
	c.t.Helper()
	c.answer(r, &pyxiswire.Response{Err: &pyxiswire.Error{Type: &code, Data: []byte(data)}})
}

// rawSession is a session over a bare connection to the service.
type rawSession struct {
	t      *testing.T
	nc     net.Conn
	frames *pyxiswire.Reader
	sid    uint64
}

func newRawSession(t *testing.T, s *pyxistest.Cluster) *rawSession {
	t.Helper()
	nc, err := s.DialContext(t.Context(), "tcp", s.Addrs()[0])
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	r := &rawSession{t: t, nc: nc, frames: pyxiswire.NewReader(nc, 0)}
	r.sid = r.do(&pyxiswire.Request{Register: &pyxiswire.RegisterRequest{Timeout: proto.Int32(5000)}}).GetSid()
	return r
}

func (r *rawSession) do(m *pyxiswire.Request) *pyxiswire.Response {
	r.t.Helper()
	if r.sid != 0 {
		m.Sid = &r.sid
	}
	frame, err := pyxiswire.AppendFrame(nil, m)
	must(r.t, err)
	_, err = r.nc.Write(frame)
	must(r.t, err)
	payload, err := r.frames.Next()
	must(r.t, err)
	answer, err := pyxiswire.DecodeResponse(payload)
	must(r.t, err)
	return answer
}

func (r *rawSession) watch(path string) {
	r.t.Helper()
	r.do(&pyxiswire.Request{Watch: &pyxiswire.WatchRequest{Path: &path, Watch: proto.Uint32(0xff)}})
}
