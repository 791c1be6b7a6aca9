package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/memorynet"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// overBoth runs a test over TCP and over a Unix socket.
func overBoth(t *testing.T, handler rawserver.Handler, test func(*testing.T, *defaultClient)) {
	t.Run("tcp", func(t *testing.T) { test(t, serve(t, handler)) })
	t.Run("unix", func(t *testing.T) {
		path := filepath.Join(testenv.SocketDir(t), "api.sock")
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		s := rawserver.Serve(t, listener, handler)
		test(t, newClient(t, &config.Config{APIAddr: multiaddr.StringCast(s.Multiaddr())}))
	})
}

// silent returns a handler that does not answer before the server closes. It reports each
// request to arrived.
func silent(arrived chan<- struct{}) rawserver.Handler {
	return func(r *http.Request) rawserver.Answer {
		arrived <- struct{}{}
		<-r.Context().Done()
		return rawserver.Answer{Close: true}
	}
}

// U3: on Unix sockets and libp2p, contexts were ignored while the client waited for the
// header: a call with a timeout of 200 ms returned when the server answered. Now every
// call ends with its context, on every transport.
func TestU3ContextEndsTheWaitForTheHeader(t *testing.T) {
	arrived := make(chan struct{}, 1)
	overBoth(t, silent(arrived), func(t *testing.T, c *defaultClient) {
		for op, do := range calls {
			ctx, cancel := context.WithCancelCause(t.Context())
			reason := errors.New("enough of it")
			done := make(chan error)
			go func() { done <- do(ctx, c) }()
			<-arrived
			cancel(reason)
			err := <-done
			var e *Error
			if !asError(err, &e) || !isCanceled(err) || !errors.Is(err, reason) || e.Op != op || e.Status != 0 || !e.MayHaveExecuted {
				t.Errorf("%s: %+v", op, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := c.ID(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		<-arrived
	})
}

// hanging sends the beginning of a response and then nothing more.
func hanging(wire []byte) rawserver.Handler {
	return func(r *http.Request) rawserver.Answer {
		gate := make(chan struct{}, 1)
		gate <- struct{}{}
		return rawserver.Answer{Pieces: [][]byte{wire, []byte("never")}, Gate: gate, Unread: true, Close: true}
	}
}

// before returns the response without its last chunk and trailer.
func before(r rawserver.Response) []byte {
	wire := string(r.Wire())
	return []byte(wire[:strings.LastIndex(wire, "0\r\n")])
}

// A call also ends with its context if the server stops sending after the header, or in
// the middle of a listing.
func TestContextEndsTheWaitForTheRest(t *testing.T) {
	for _, wire := range [][]byte{
		[]byte("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
		[]byte("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
		[]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		[]byte("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n"),
		before(rawserver.Stream([]string{" "})),
	} {
		c := serve(t, hanging(wire))
		for _, op := range []Op{OpID, OpPeers, OpPin, OpAllocations, OpStatusCids, OpAdd} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			err := calls[op](ctx, c)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, behind %q: %v", op, wire, err)
			}
			cancel()
		}
	}
}

// The context may end, or Close may be called, while the client reads the text of a
// server's error. The call's error did not say so if a part of the text had arrived.
func TestEndWithinTheTextOfAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{}, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var e *Error
		if _, err := c.ID(ctx); !errors.Is(err, context.DeadlineExceeded) || !asError(err, &e) || e.Status != 500 || e.Message != "begun" {
			t.Errorf("deadline: %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = c.Close() })
		if _, err := c.ID(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// The wait for the text of an error is limited, because the status is more important.
func TestErrorBodyThatDoesNotCome(t *testing.T) {
	for _, begun := range []string{"", "begun"} {
		synctest.Test(t, func(t *testing.T) {
			c := overPipes(t, config.Config{}, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = w.Write([]byte(begun))
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
			start := time.Now()
			_, err := c.ID(context.Background())
			var e *Error
			if !asError(err, &e) || e.Status != 503 || e.Message != begun || isCanceled(err) || time.Since(start) != errorBodyTimeout {
				t.Errorf("after %s: %v", time.Since(start), err)
			}
		})
	}
}

// Health does not wait for a body that a proxy adds. No method waits for the body of a
// redirect.
func TestNoWaitForAnIgnoredBody(t *testing.T) {
	c := serve(t, hanging([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")))
	if err := c.Health(t.Context()); err != nil {
		t.Error(err)
	}
	c = serve(t, hanging([]byte("HTTP/1.1 307 There\r\nLocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n")))
	for op, call := range calls {
		var e *Error
		if err := call(t.Context(), c); !asError(err, &e) || e.Status != 307 {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// Items that have arrived, but are not yielded when the context ends, are never yielded:
// the next step of the loop yields the context's error.
func TestCancelledListingDeliversNothingMore(t *testing.T) {
	items := make([]string, 100)
	for i := range items {
		items[i] = pinA
	}
	c := answering(t, rawserver.Stream(items).Answer())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for pin, err := range c.Allocations(ctx, api.AllType) {
		if last = err; pin != nil {
			n++
		}
		cancel()
	}
	var e *Error
	if n != 1 || !asError(last, &e) || !isCanceled(last) || e.Status != 200 {
		t.Errorf("%d items, error %v", n, last)
	}
}

// U7: Add sent to the channel without watching the context, so that a consumer that
// stopped receiving blocked Add for ever.
func TestU7ConsumerThatStopsReading(t *testing.T) {
	overBoth(t, func(*http.Request) rawserver.Answer {
		const progress = `{"name":"a","cid":null,"bytes":1}`
		return rawserver.AddStream([]string{progress, progress, progress, addedA}).Answer()
	}, func(t *testing.T, c *defaultClient) {
		ctx, cancel := context.WithCancel(t.Context())
		out := make(chan *api.AddedOutput)
		done := make(chan error)
		go func() { done <- c.Add(ctx, []string{"testdata/a"}, nil, out) }()
		<-out
		cancel() // without receiving from out
		if err := <-done; !isCanceled(err) {
			t.Error(err)
		}
		if _, open := <-out; open {
			t.Error("out is still open")
		}
	})
}

// overPipes returns a client of handler. Requests take no time beyond the handler's.
func overPipes(t *testing.T, cfg config.Config, handler http.HandlerFunc) *defaultClient {
	l := memorynet.Listen("server")
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(l) }()
	rt := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.Dial(ctx) }}
	t.Cleanup(func() {
		rt.CloseIdleConnections()
		_ = server.Close()
	})
	cfg.RoundTripper = rt
	c, err := NewDefaultClient(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*defaultClient)
}

// slowly streams n items, one per hour.
func slowly(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", trailerError)
		for range n {
			select {
			case <-time.After(time.Hour):
			case <-r.Context().Done():
				return
			}
			_, _ = w.Write([]byte(pinA + "\n"))
			w.(http.Flusher).Flush()
		}
		w.Header().Set(trailerError, "")
	}
}

// U42: the only timeout covered the whole exchange, so that long healthy streams were cut.
// By default nothing limits the duration of a stream. A user who wants a limit sets
// Timeout, and the error names Timeout when it expires.
func TestU42NoTotalTimeoutByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{}, slowly(100))
		if pins, err := collect(c.Allocations(context.Background(), api.AllType)); len(pins) != 100 || err != nil {
			t.Errorf("%d items, error %v", len(pins), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{Timeout: 150 * time.Minute}, slowly(100))
		start := time.Now()
		pins, err := collect(c.Allocations(context.Background(), api.AllType))
		if len(pins) != 2 || time.Since(start) != 150*time.Minute {
			t.Errorf("%d items after %s", len(pins), time.Since(start))
		}
		if !errors.Is(err, context.DeadlineExceeded) || isCanceled(err) || !strings.Contains(err.Error(), "Timeout of 2h30m") {
			t.Errorf("error %v", err)
		}
	})
}

// Timeout limits a call, not each of its requests. If the caller's own deadline expires
// first, the error does not name Timeout.
func TestTimeoutBoundsTheCall(t *testing.T) {
	tenMinutes := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(10 * time.Minute):
			listStatus(w, r)
		case <-r.Context().Done():
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{Timeout: 25 * time.Minute}, tenMinutes)
		start := time.Now()
		infos, err := collect(c.StatusCids(context.Background(), manyCids(500), false))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 25*time.Minute || len(infos) == 0 {
			t.Errorf("after %s: %d items, error %v", time.Since(start), len(infos), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{Timeout: time.Hour}, tenMinutes)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := c.ID(ctx); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "Timeout") {
			t.Error(err)
		}
	})
}
