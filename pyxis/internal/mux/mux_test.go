package mux

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is the server's end of a connection.
type peer struct {
	t      *testing.T
	nc     net.Conn
	frames *pyxiswire.Reader
}

func (p *peer) receive() *pyxiswire.Request {
	p.t.Helper()
	payload, err := p.frames.Next()
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := pyxiswire.DecodeRequest(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) send(answers ...*pyxiswire.Response) {
	p.t.Helper()
	var frames []byte
	for _, a := range answers {
		frames, _ = pyxiswire.AppendFrame(frames, a)
	}
	if _, err := p.nc.Write(frames); err != nil {
		p.t.Fatal(err)
	}
}

func answer(xid uint64, data string) *pyxiswire.Response {
	return &pyxiswire.Response{Xid: &xid, Data: []byte(data)}
}

func stat(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Stat: &pyxiswire.StatRequest{Path: &path}}
}

// inBubble runs test with a served connection. It returns after Serve has
// returned.
func inBubble(t *testing.T, test func(t *testing.T, c *Conn, p *peer)) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := New(near, func(*Call, *pyxiswire.Response) {})
		var wg sync.WaitGroup
		wg.Go(func() { c.Serve() })
		test(t, c, &peer{t, far, pyxiswire.NewReader(far, 0)})
		c.Fail(io.EOF)
		far.Close()
		wg.Wait()
	})
}

// outcome is the result of a call.
type outcome struct {
	data string
	err  error
}

func do(ctx context.Context, c *Conn, m *pyxiswire.Request) <-chan outcome {
	out := make(chan outcome, 1)
	go func() {
		r, err := c.Do(ctx, m, nil)
		out <- outcome{string(r.GetData()), err}
	}()
	return out
}

func TestAnswersInAnyOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		var outs []<-chan outcome
		for _, path := range []string{"/a", "/b", "/c"} {
			outs = append(outs, do(t.Context(), c, stat(path)))
			synctest.Wait()
		}
		asked := map[string]uint64{}
		for range 3 {
			m := p.receive()
			asked[m.Stat.GetPath()] = m.GetXid()
		}
		p.send(answer(asked["/c"], "C"), answer(asked["/a"], "A"), answer(99, "nobody's"), answer(asked["/b"], "B"))
		for i, want := range []string{"A", "B", "C"} {
			if r := <-outs[i]; r.err != nil || r.data != want {
				t.Errorf("call %d: %q, %v", i, r.data, r.err)
			}
		}
	})
}

func TestLateAndDoubleAnswersAreDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		late := do(ctx, c, stat("/late"))
		m := p.receive()
		if r := <-late; !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("a call whose context ended: %v", r.err)
		}
		next := do(t.Context(), c, stat("/next"))
		n := p.receive()
		if n.GetXid() == m.GetXid() {
			t.Errorf("both calls have number %d", n.GetXid())
		}
		p.send(answer(m.GetXid(), "late"), answer(n.GetXid(), "next"), answer(n.GetXid(), "again"))
		if r := <-next; r.err != nil || r.data != "next" {
			t.Errorf("the next call: %q, %v", r.data, r.err)
		}
	})
}

func TestTheEndSettlesEveryCallOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		sent := do(t.Context(), c, stat("/sent"))
		p.receive()
		// The writer hands /taken to a socket that is not read; /unsent stays queued.
		taken := do(t.Context(), c, stat("/taken"))
		synctest.Wait()
		unsent := do(t.Context(), c, stat("/unsent"))
		synctest.Wait()
		p.nc.Close()
		if r := <-sent; !errors.Is(r.err, ErrLost) {
			t.Errorf("the one that was sent: %v", r.err)
		}
		if r := <-taken; !errors.Is(r.err, ErrLost) {
			t.Errorf("the one that may have been sent: %v", r.err)
		}
		if r := <-unsent; !errors.Is(r.err, ErrUnsent) {
			t.Errorf("the one that was not sent: %v", r.err)
		}
		synctest.Wait()
		if err := c.Start(stat("/after"), nil); !errors.Is(err, ErrUnsent) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestAnswersBeforeTheEndCount(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		a, b := do(t.Context(), c, stat("/a")), do(t.Context(), c, stat("/b"))
		m := p.receive()
		p.receive()
		frame, _ := pyxiswire.AppendFrame(nil, answer(m.GetXid(), "one"))
		p.nc.Write(append(frame, "garbage that is long enough to be judged"...))
		results := map[bool]int{}
		for _, out := range []<-chan outcome{a, b} {
			r := <-out
			results[r.err == nil]++
			if r.err != nil && !errors.Is(r.err, pyxiswire.ErrLength) {
				t.Errorf("the call without an answer: %v", r.err)
			}
		}
		if results[true] != 1 {
			t.Errorf("%d calls were answered, want 1", results[true])
		}
	})
}

func TestAStalledSocketDoesNotGatherMemory(t *testing.T) {
	// P17: callers of a peer that stops reading wait only as long as their own
	// contexts, and the queue is limited.
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		big := make([]byte, 1<<20)
		var outs []<-chan outcome
		for range 20 {
			outs = append(outs, do(ctx, c, &pyxiswire.Request{
				Write: &pyxiswire.WriteRequest{Path: proto.String("/p"), Data: big}}))
			synctest.Wait()
		}
		c.mu.Lock()
		queued := len(c.out)
		c.mu.Unlock()
		if queued > maxQueued+2<<20 {
			t.Errorf("%d bytes wait for the socket", queued)
		}
		unsent := 0
		for _, out := range outs {
			r := <-out
			if !errors.Is(r.err, context.DeadlineExceeded) {
				t.Errorf("a call: %v", r.err)
			}
			if errors.Is(r.err, ErrUnsent) {
				unsent++
			}
		}
		if unsent == 0 {
			t.Error("no call waited for room")
		}
	})
}

func TestAMessageThatFitsIntoNoFrame(t *testing.T) {
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		err := c.Start(&pyxiswire.Request{Write: &pyxiswire.WriteRequest{
			Path: proto.String("/p"), Data: make([]byte, pyxiswire.MaxLength)}}, nil)
		if !errors.Is(err, pyxiswire.ErrLength) {
			t.Errorf("error %v", err)
		}
	})
}

func TestNoGoroutinePerCall(t *testing.T) {
	// P28: with a mute server each call left a goroutine.
	inBubble(t, func(t *testing.T, c *Conn, p *peer) {
		go io.Copy(io.Discard, p.nc)
		synctest.Wait()
		before := runtime.NumGoroutine()
		for range 1000 {
			if err := c.Start(stat("/p"), func(*pyxiswire.Response, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 0 {
			t.Errorf("%d goroutines more for 1000 calls in flight", n)
		}
	})
}
