package pyxistest_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Time limits against hanging, on the wall clock and in a bubble.
const (
	hang        = 10 * time.Second
	virtualHang = time.Hour
)

// inBubble runs a test in a synctest bubble with a cluster on the Memory network.
func inBubble(t *testing.T, opts pyxistest.Options, test func(t *testing.T, c *pyxistest.Cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		opts.Network = pyxistest.Memory
		test(t, pyxistest.New(t, opts))
	})
}

// client is a raw connection. Its requests have its sid and the next xid.
type client struct {
	t      testing.TB
	c      *pyxistest.Cluster
	nc     net.Conn
	frames *pyxiswire.Reader
	sid    uint64
	xid    uint64
	early  map[uint64]*pyxiswire.Response // answers received before await asked for them
}

// dial connects to a node, without a session.
func dial(t testing.TB, c *pyxistest.Cluster, node int) *client {
	t.Helper()
	nc, err := c.DialContext(t.Context(), "tcp", c.Node(node).Addr())
	if err != nil {
		t.Fatal(err)
	}
	cl := onConn(t, nc)
	cl.c = c
	return cl
}

// onConn returns a client without a session on a connection, which is closed at
// the end of the test.
func onConn(t testing.TB, nc net.Conn) *client {
	t.Cleanup(func() { _ = nc.Close() })
	return &client{t: t, nc: nc, frames: pyxiswire.NewReader(nc, 0), early: make(map[uint64]*pyxiswire.Response)}
}

// join connects to node 0 and registers a session.
func join(t testing.TB, c *pyxistest.Cluster, timeout time.Duration) *client {
	t.Helper()
	cl := dial(t, c, 0)
	cl.register(timeout)
	return cl
}

// again opens another connection with the same session.
func (c *client) again(node int) *client {
	c.t.Helper()
	other := dial(c.t, c.c, node)
	other.sid = c.sid
	return other
}

func (c *client) register(timeout time.Duration) {
	c.t.Helper()
	c.sid = 0
	resp := c.call(registerRequest(timeout))
	if resp.Err != nil || resp.GetSid() == 0 {
		c.t.Fatalf("register: %v", resp)
	}
	c.sid = resp.GetSid()
}

// write sends raw bytes.
func (c *client) write(raw []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(raw); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// frame encodes a request, with defaults for a missing sid or xid.
func (c *client) frame(req *pyxiswire.Request) []byte {
	c.t.Helper()
	if req.Sid == nil && c.sid != 0 {
		req.Sid = proto.Uint64(c.sid)
	}
	if req.Xid == nil {
		c.xid++
		req.Xid = proto.Uint64(c.xid)
	}
	raw, err := pyxiswire.AppendFrame(nil, req)
	if err != nil {
		c.t.Fatal(err)
	}
	return raw
}

// send sends a request and returns its xid.
func (c *client) send(req *pyxiswire.Request) uint64 {
	c.t.Helper()
	c.write(c.frame(req))
	return req.GetXid()
}

// sendAll sends requests in one write.
func (c *client) sendAll(reqs ...*pyxiswire.Request) {
	c.t.Helper()
	var raw []byte
	for _, req := range reqs {
		raw = append(raw, c.frame(req)...)
	}
	c.write(raw)
}

// receive returns the next answer.
func (c *client) receive() (*pyxiswire.Response, error) {
	guard := virtualHang
	if c.nc.RemoteAddr().Network() == "tcp" {
		guard = hang
	}
	return c.receiveWithin(guard)
}

func (c *client) receiveWithin(d time.Duration) (*pyxiswire.Response, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	payload, err := c.frames.Next()
	if err != nil {
		return nil, err
	}
	return pyxiswire.DecodeResponse(payload)
}

// next returns the next answer to any request.
func (c *client) next() *pyxiswire.Response {
	c.t.Helper()
	resp, err := c.receive()
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	return resp
}

// await returns the answer to the request with the given xid.
func (c *client) await(xid uint64) *pyxiswire.Response {
	c.t.Helper()
	for c.early[xid] == nil {
		resp := c.next()
		c.early[resp.GetXid()] = resp
	}
	resp := c.early[xid]
	delete(c.early, xid)
	return resp
}

func (c *client) call(req *pyxiswire.Request) *pyxiswire.Response {
	c.t.Helper()
	return c.await(c.send(req))
}

// ok sends a request that must succeed.
func (c *client) ok(req *pyxiswire.Request) *pyxiswire.Response {
	c.t.Helper()
	resp := c.call(req)
	if resp.Err != nil {
		c.t.Fatalf("%v: %v", req, resp)
	}
	return resp
}

// fails sends a request that must fail with the given code and data.
func (c *client) fails(req *pyxiswire.Request, code pyxistest.Code, data string) {
	c.t.Helper()
	c.failed(c.call(req), code, data)
}

func (c *client) failed(resp *pyxiswire.Response, code pyxistest.Code, data string) {
	c.t.Helper()
	if got := resp.GetErr(); got == nil || pyxistest.Code(got.GetType()) != code || string(got.GetData()) != data {
		c.t.Errorf("answer %v, want error %d %q", resp, code, data)
	}
}

// empty checks that an answer is empty except for its xid.
func (c *client) empty(resp *pyxiswire.Response) {
	c.t.Helper()
	if !proto.Equal(resp, &pyxiswire.Response{Xid: resp.Xid}) {
		c.t.Errorf("answer %v, want an empty one", resp)
	}
}

// isEvent checks that the answer to a ping is the given event.
func (c *client) isEvent(resp *pyxiswire.Response, watched, path string, kind uint32) {
	c.t.Helper()
	want := &pyxiswire.Response{
		Xid:   resp.Xid,
		Watch: &pyxiswire.WatchEvent{Path: proto.String(path), Type: proto.Uint32(kind)},
		Path:  proto.String(watched),
	}
	if !proto.Equal(resp, want) {
		c.t.Errorf("answer %v, want %v", resp, want)
	}
}

// event sends a ping and checks that its answer is the given event.
func (c *client) event(watched, path string, kind uint32) {
	c.t.Helper()
	c.isEvent(c.call(ping()), watched, path, kind)
}

// quiet checks that no answer arrives within d.
func (c *client) quiet(d time.Duration) {
	c.t.Helper()
	if resp, err := c.receiveWithin(d); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("within %v came %v, %v", d, resp, err)
	}
}

// closed checks that the stream ends before any answer.
func (c *client) closed() {
	c.t.Helper()
	resp, err := c.receive()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Errorf("came %v, %v, want the end of the stream", resp, err)
	}
}

// stat returns a node that must exist.
func (c *client) stat(path string) *pyxiswire.Node {
	c.t.Helper()
	n := new(pyxiswire.Node)
	if err := proto.Unmarshal(c.ok(stat(path)).GetData(), n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// drain sends pings until no event is left, and returns the events.
func (c *client) drain() []string {
	c.t.Helper()
	var events []string
	for {
		s, ok := c.c.Session(c.sid)
		if !ok || len(s.Events) == 0 {
			return events
		}
		resp := c.call(ping())
		events = append(events, fmt.Sprint(resp.GetPath(), " ", resp.GetWatch().GetPath(), " ", resp.GetWatch().GetType()))
	}
}
