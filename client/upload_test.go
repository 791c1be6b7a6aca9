package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

// source is the source of an upload. It counts the calls of Close.
type source struct {
	io.Reader
	closed atomic.Int64
}

func (s *source) Close() error {
	s.closed.Add(1)
	return nil
}

// uploadOf opens an upload of r.
func uploadOf(t testing.TB, ctx context.Context, r io.Reader) (*upload, *source) {
	t.Helper()
	src := &source{Reader: r}
	u, err := newUpload(ctx, &Body{Open: func(context.Context) (io.ReadCloser, error) { return src, nil }}, nil, new(sync.Pool))
	if err != nil {
		t.Fatal(err)
	}
	return u, src
}

// handed is a reader whose Read returns the next string of the channel.
type handed chan string

func (h handed) Read(p []byte) (int, error) {
	text, ok := <-h
	if !ok {
		return 0, io.EOF
	}
	return copy(p, text), nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// pattern returns n bytes that depend on their position, so that misplaced bytes are
// detected.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// The connection gets the bytes read so far, all at once, whenever it is ready, even if
// the source is slow.
func TestUploadHandsOverWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, free := make(handed), make(chan struct{})
		u, _ := uploadOf(t, t.Context(), src)
		defer u.Close()
		var got []string
		done := make(chan error)
		go func() {
			_, err := u.WriteTo(writerFunc(func(p []byte) (int, error) {
				got = append(got, string(p))
				<-free
				return len(p), nil
			}))
			done <- err
		}()
		src <- "a"
		synctest.Wait()
		if !slices.Equal(got, []string{"a"}) {
			t.Errorf("behind the first bytes, %q is written", got)
		}
		src <- "b"
		src <- "c"
		synctest.Wait()
		free <- struct{}{} // the connection finishes the first write
		synctest.Wait()
		src <- "d"
		synctest.Wait()
		close(free)
		close(src)
		if err := <-done; err != nil || !slices.Equal(got, []string{"a", "bc", "d"}) {
			t.Errorf("written %q, %v", got, err)
		}
	})
}

// If the connection takes no bytes, the upload reads ahead at most what its blocks hold.
func TestUploadReadsAheadWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Int64
		u, src := uploadOf(t, t.Context(), readerFunc(func(p []byte) (int, error) {
			taken.Add(int64(len(p)))
			return len(p), nil
		}))
		done := make(chan error)
		pieces := make(chan int64)
		go func() {
			_, err := u.WriteTo(writerFunc(func(p []byte) (int, error) { pieces <- int64(len(p)); return len(p), nil }))
			done <- err
		}()
		synctest.Wait()
		for sent := int64(0); sent < 20*largeBlock; {
			if ahead := taken.Load() - sent; ahead > maxBlocks*largeBlock || sent > largeBlock && ahead < 2*largeBlock {
				t.Errorf("%d bytes were read ahead when %d were sent", ahead, sent)
			}
			sent += <-pieces
			synctest.Wait()
		}
		// The reading goroutine now waits for free space. It ends with Close, which
		// also closes the source.
		if err := u.Close(); err != nil || src.closed.Load() != 1 {
			t.Errorf("closed %d times, %v", src.closed.Load(), err)
		}
		<-pieces
		if err := <-done; !errors.Is(err, errUploadClosed) {
			t.Error(err)
		}
	})
}

// An upload ends with its context even if a Read of its source hangs. The source is
// closed when that Read returns.
func TestUploadEndsThoughTheSourceHangs(t *testing.T) {
	cause := errors.New("no more of this")
	for name, read := range map[string]func(u *upload) error{
		"Read":    func(u *upload) error { _, err := io.Copy(io.Discard, struct{ io.Reader }{u}); return err },
		"WriteTo": func(u *upload) error { _, err := u.WriteTo(io.Discard); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				text := make(handed)
				u, src := uploadOf(t, ctx, text)
				done := make(chan error)
				go func() { done <- read(u) }()
				text <- "some"
				synctest.Wait()
				cancel(cause)
				if err := <-done; !errors.Is(err, cause) {
					t.Errorf("ended with %v", err)
				}
				_, _ = u.Close(), u.Close()
				synctest.Wait()
				if src.closed.Load() != 0 {
					t.Error("closed while it was read")
				}
				close(text)
				synctest.Wait()
				if n := src.closed.Load(); n != 1 || u.sourceError() != nil {
					t.Errorf("closed %d times, source error %v", n, u.sourceError())
				}
			})
		})
	}
}

// The source is not read before the upload is read, nor after Close.
func TestUploadThatIsNotRead(t *testing.T) {
	u, src := uploadOf(t, t.Context(), iotest.ErrReader(errors.New("touched")))
	if err := u.Close(); err != nil || src.closed.Load() != 1 {
		t.Errorf("closed %d times, %v", src.closed.Load(), err)
	}
	if _, err := u.Read(make([]byte, 1)); !errors.Is(err, errUploadClosed) {
		t.Error(err)
	}
	if n, err := u.WriteTo(io.Discard); n != 0 || !errors.Is(err, errUploadClosed) {
		t.Error(n, err)
	}
	if err := u.sourceError(); err != nil {
		t.Error(err)
	}
}

// An upload that was cancelled with the cause io.EOF ended as if it had been sent
// completely.
func TestUploadGivenUpWithEOF(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	u, _ := uploadOf(t, ctx, strings.NewReader("data"))
	defer u.Close()
	cancel(io.EOF)
	if n, err := u.WriteTo(io.Discard); n != 0 || !isCanceled(err) {
		t.Error(n, err)
	}
	if n, err := u.Read(make([]byte, 1)); n != 0 || err == io.EOF {
		t.Error(n, err)
	}
}

// The bytes before a source's failure are sent first. The failure is recorded only after
// that, because the connection may fail earlier.
func TestUploadOfASourceThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := errors.New("disk on fire")
		u, _ := uploadOf(t, t.Context(), io.MultiReader(bytes.NewReader(pattern(1000)), iotest.ErrReader(ours)))
		defer u.Close()
		p := make([]byte, 600)
		if n, err := u.Read(p); n != 600 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		if err := u.sourceError(); err != nil {
			t.Errorf("the failure was not reached yet: %v", err)
		}
		if n, err := u.WriteTo(io.Discard); n != 400 || err != ours {
			t.Error(n, err)
		}
		if err := u.sourceError(); !errors.Is(err, ErrSource) || !errors.Is(err, ours) {
			t.Error(err)
		}
	})
}

// A failure of the connection is not a failure of the source.
func TestUploadToAConnectionThatFails(t *testing.T) {
	u, _ := uploadOf(t, t.Context(), bytes.NewReader(pattern(4*largeBlock)))
	defer u.Close()
	n, err := u.WriteTo(writerFunc(func(p []byte) (int, error) { return len(p) / 2, io.ErrClosedPipe }))
	if n == 0 || err != io.ErrClosedPipe || u.sourceError() != nil {
		t.Error(n, err, u.sourceError())
	}
}

// Sources may end in different ways, and may return 0 bytes without an error.
func TestUploadOfPeculiarSources(t *testing.T) {
	for name, test := range map[string]struct {
		peculiar func(io.Reader) io.Reader
		text     string
	}{
		"empty":               {func(r io.Reader) io.Reader { return r }, ""},
		"end with the data":   {iotest.DataErrReader, "data"},
		"nothing in between":  {func(r io.Reader) io.Reader { return &hesitant{r: r} }, "data"},
		"nothing, then empty": {func(r io.Reader) io.Reader { return &hesitant{r: r} }, ""},
	} {
		for way, read := range map[string]func(u *upload) ([]byte, error){
			"Read":    func(u *upload) ([]byte, error) { return io.ReadAll(u) },
			"WriteTo": func(u *upload) ([]byte, error) { var b bytes.Buffer; _, err := u.WriteTo(&b); return b.Bytes(), err },
		} {
			u, src := uploadOf(t, t.Context(), test.peculiar(strings.NewReader(test.text)))
			got, err := read(u)
			if err != nil || string(got) != test.text {
				t.Errorf("%s, %s: %q, %v", name, way, got, err)
			}
			if err := u.Close(); err != nil || src.closed.Load() != 1 {
				t.Errorf("%s, %s: closed %d times, %v", name, way, src.closed.Load(), err)
			}
		}
	}
}

// hesitant returns 0 bytes from every other Read.
type hesitant struct {
	r       io.Reader
	hurried bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.hurried = !h.hurried; h.hurried {
		return 0, nil
	}
	return h.r.Read(p)
}

// Reading ahead does not change the bytes that are being written. No bytes are written
// after Close, at whatever time it is called. The race detector checks this, too.
func TestUploadIsClosedWhileItIsWritten(t *testing.T) {
	want := pattern(6 * largeBlock)
	for i := range 200 {
		u, _ := uploadOf(t, t.Context(), iotest.HalfReader(bytes.NewReader(want)))
		begun := make(chan struct{})
		go func() {
			<-begun
			for range i % 20 {
				runtime.Gosched()
			}
			_ = u.Close()
		}()
		var got []byte
		n, err := u.WriteTo(writerFunc(func(p []byte) (int, error) {
			if got == nil {
				close(begun)
			}
			before := bytes.Clone(p)
			runtime.Gosched()
			if !bytes.Equal(p, before) {
				t.Error("a piece has changed while it was written")
			}
			got = append(got, p...)
			return len(p), nil
		}))
		if err != nil && !errors.Is(err, errUploadClosed) || err == nil && len(got) != len(want) {
			t.Errorf("%d bytes, %v", n, err)
		}
		if int(n) != len(got) || !bytes.Equal(got, want[:len(got)]) {
			t.Errorf("the %d bytes written are not the source's", len(got))
		}
	}
}
