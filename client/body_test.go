package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// Q3: an add without parts makes the server panic and close the connection. The
// client rejects such a body, in all forms of an empty body.
func TestQ3EmptyAdd(t *testing.T) {
	_, c := addTo(t)
	empty := files.NewMultiFileReader(files.NewMapDirectory(nil), true, false)
	if err := c.AddMultiFile(t.Context(), empty, nil, nil); !isInvalid(err) || !strings.Contains(err.Error(), "no parts") {
		t.Error(err)
	}
	for _, text := range []string{"", "--b--", "--b--\r\n", "\r\n--b--\r\n", "\r\n"} {
		err := c.AddBody(t.Context(), textBody(text), nil, nil)
		var e *Error
		if !isInvalid(err) || errors.Is(err, ErrSource) || !asError(err, &e) || e.MayHaveExecuted {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{partA + "\r\n--b--", "\r\n" + partA + "\r\n--b--\r\n", "preamble\r\n" + partA + "--b--\r\n"} {
		if err := c.AddBody(t.Context(), textBody(text), nil, nil); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// partA is the beginning of a part that is named a.
const partA = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"

func textBody(text string) *Body {
	return &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(iotest.OneByteReader(strings.NewReader(text))), nil
	}}
}

// A read error counts as the source's failure, not the peer's, before the first byte,
// in the middle, and after the first output.
func TestUnreadableSource(t *testing.T) {
	ours := errors.New("disk on fire")
	_, c := addTo(t)
	for name, text := range map[string]string{
		"at once":          "",
		"in the header":    "--b\r\nContent-Dispo",
		"in the content":   partA + "abc",
		"behind an output": strings.ReplaceAll(partA+"abc\r\n"+partA+"abc", "\"a\"", "\"d/a\""),
	} {
		for way, reader := range map[string]io.Reader{
			"":      io.MultiReader(strings.NewReader(text), iotest.ErrReader(ours)),
			"slow ": iotest.OneByteReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(ours))),
		} {
			err := c.AddBody(t.Context(), &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(reader), nil
			}}, nil, nil)
			var e *Error
			if !errors.Is(err, ErrSource) || !errors.Is(err, ours) || !asError(err, &e) {
				t.Errorf("%s%s: %v", way, name, err)
			}
		}
	}
	err := c.AddBody(t.Context(), failingBody(ours), nil, nil)
	var e *Error
	if !errors.Is(err, ErrSource) || !errors.Is(err, ours) || !asError(err, &e) || e.MayHaveExecuted {
		t.Errorf("open: %v", err)
	}
	if err := c.AddBody(t.Context(), failingBody(ErrBodyNotReplayable), nil, nil); !errors.Is(err, ErrBodyNotReplayable) || errors.Is(err, ErrSource) {
		t.Errorf("not replayable: %v", err)
	}
	if err := c.Add(t.Context(), []string{"missing"}, nil, nil); !errors.Is(err, ErrSource) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// A source may detect an error only in Close, for example a wrong checksum. This error
// was reported as a broken connection.
func TestSourceFailsWhenClosed(t *testing.T) {
	c := serve(t, func(r *http.Request) rawserver.Answer {
		_, _ = io.Copy(io.Discard, r.Body)
		return rawserver.AddStream([]string{addedA}).Answer()
	})
	ours := errors.New("checksum mismatch")
	for name, isTheSource := range map[string]bool{"all of it": true, "given up": false} {
		ctx, cancel := context.WithCancel(t.Context())
		body := &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
			src := io.Reader(strings.NewReader(partA + "hello\r\n--b--\r\n"))
			if !isTheSource {
				src = readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
			}
			return spoilt{src, ours}, nil
		}}
		if err := c.AddBody(ctx, body, nil, nil); errors.Is(err, ErrSource) != isTheSource || errors.Is(err, ours) != isTheSource {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}

// spoilt fails when it is closed.
type spoilt struct {
	io.Reader
	err error
}

func (s spoilt) Close() error { return s.err }

// A file may vanish, or be replaced by something else, after its directory was read and
// before the file is uploaded. For a replaced file, the error says so. It does not have
// the system's text, such as "too many levels of symbolic links".
func TestSourceChangesDuringUpload(t *testing.T) {
	const replaced = " is no longer a regular file: add it again when"
	for name, test := range map[string]struct {
		change func(path string) error
		text   string
	}{
		"vanished":  {func(string) error { return nil }, ": no such file"},
		"directory": {func(path string) error { return os.Mkdir(path, 0o755) }, replaced},
		"pipe":      {mkfifo, replaced},
		"symlink":   {func(path string) error { return os.Symlink("a", path) }, replaced},
		"socket": {func(path string) error {
			t.Chdir(filepath.Dir(path)) // the whole path may be too long for a socket
			l, err := net.Listen("unix", filepath.Base(path))
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}, replaced},
	} {
		dir := tree(t, map[string]string{"a": strings.Repeat("x", 1<<20), "b": "y"})
		b := filepath.Join(dir, "b")
		c := serve(t, func(r *http.Request) rawserver.Answer {
			// The first part is larger than all buffers. The copy fails if the client has
			// already closed the connection.
			_, _ = io.CopyN(io.Discard, r.Body, 1)
			return rawserver.AddStream([]string{addedA}).Answer()
		})
		roots, err := newRoots([]string{filepath.Join(dir, "a"), b}, api.DefaultAddParams(), &c.cfg.Web)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(b), test.change(b)); errors.Is(err, errors.ErrUnsupported) {
			t.Logf("%s: %v", name, err)
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		body := &Body{Boundary: "b", Open: func(ctx context.Context) (io.ReadCloser, error) {
			return newMultipartBody(ctx, "b", roots, api.DefaultAddParams(), c.web), nil
		}}
		if err := c.AddBody(t.Context(), body, nil, nil); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), b+test.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// tracked counts how many of its bodies are open.
type tracked struct {
	open   atomic.Int64
	opened atomic.Int64
}

func (b *tracked) body(text string) *Body {
	return &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
		b.open.Add(1)
		b.opened.Add(1)
		return &trackedBody{Reader: strings.NewReader(text), of: b}, nil
	}}
}

type trackedBody struct {
	io.Reader
	of     *tracked
	closed atomic.Bool
}

func (b *trackedBody) Close() error {
	if b.closed.Swap(true) {
		panic("closed twice")
	}
	b.of.open.Add(-1)
	return nil
}

const onePart = partA + "hello\r\n--b--\r\n"

// Every opened body is closed exactly once, however the call ends.
func TestBodiesAreClosed(t *testing.T) {
	var bodies tracked
	ok := rawserver.AddStream([]string{addedA}).Answer()
	for name, answer := range map[string]rawserver.Answer{
		"success":  ok,
		"trailer":  rawserver.AddStream([]string{addedA}, "no").Answer(),
		"error":    rawserver.JSON(500, `{}`),
		"early":    {Pieces: rawserver.JSON(413, `{}`).Pieces, Unread: true, Close: true},
		"cut":      {Close: true},
		"reset":    {Reset: true, Unread: true},
		"redirect": redirectTo(307, "/add?again"),
	} {
		c := answering(t, answer)
		if err := c.AddBody(t.Context(), bodies.body(onePart), nil, nil); (err == nil) != (name == "success") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The uploads' goroutines may close their bodies after the call.
	for bodies.open.Load() != 0 {
		runtime.Gosched()
	}
	if n := bodies.opened.Load(); n != 6+2 {
		t.Errorf("%d bodies were opened", n)
	}
}

// A source whose Read is pending when the call ends is closed when that Read returns,
// and not before.
func TestBlockedSourceIsClosedLater(t *testing.T) {
	reading, release, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	c := serve(t, silent(make(chan struct{}, 1)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- c.AddBody(ctx, &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
			return &lateSource{reading: reading, release: release, closed: closed}, nil
		}}, nil, nil)
	}()
	<-reading
	cancel()
	if err := <-done; !isCanceled(err) {
		t.Error(err)
	}
	select {
	case <-closed:
		t.Error("closed while it was read")
	default:
	}
	close(release)
	<-closed
}

type lateSource struct{ reading, release, closed chan struct{} }

func (s *lateSource) Read([]byte) (int, error) {
	close(s.reading)
	<-s.release
	return 0, io.EOF
}

func (s *lateSource) Close() error { close(s.closed); return nil }

// An error that a source returns because the call has ended is not the source's
// failure.
func TestSourceOfAnExpiredCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{Timeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
		})
		err := c.AddBody(context.Background(), &Body{Boundary: "b", Open: func(ctx context.Context) (io.ReadCloser, error) {
			return io.NopCloser(readerFunc(func([]byte) (int, error) {
				<-ctx.Done()
				return 0, errors.New("interrupted")
			})), nil
		}}, nil, nil)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSource) {
			t.Error(err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The server has closed an idle connection. A call on it does not fail: it is sent
// again if it may be sent twice, or if nothing was sent.
func TestStaleConnection(t *testing.T) {
	var s *rawserver.Server
	var bodies tracked
	s = rawserver.New(t, func(r *http.Request) rawserver.Answer {
		switch r.URL.Path {
		case "/add":
			return rawserver.AddStream([]string{addedA}).Answer()
		case "/peers":
			return rawserver.JSON(200, idDoc)
		}
		return rawserver.JSON(200, pinA)
	})
	c := newClient(t, &config.Config{URL: "http://" + s.Addr()})
	for _, do := range []func() error{
		func() error { return calls[OpAllocation](t.Context(), c) },
		func() error { return calls[OpPin](t.Context(), c) },
		func() error { return calls[OpPeerAdd](t.Context(), c) },
		func() error { return c.AddBody(t.Context(), bodies.body(onePart), nil, nil) },
	} {
		for range 20 {
			if err := calls[OpAllocation](t.Context(), c); err != nil { // leaves an idle connection
				t.Fatal(err)
			}
			s.CloseConnections()
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A server may close each connection after its answer without announcing that. All calls
// succeed, and each is executed once.
func TestUnannouncedClose(t *testing.T) {
	var n atomic.Int64
	c := serve(t, func(*http.Request) rawserver.Answer {
		n.Add(1)
		a := rawserver.JSON(200, pinA)
		a.Close = true
		return a
	})
	for range 20 {
		for _, op := range []Op{OpPin, OpAllocation} {
			if err := calls[op](t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n.Load() != 40 {
		t.Errorf("%d requests", n.Load())
	}
}
