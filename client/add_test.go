package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// part is a part of an upload as a server sees it.
type part struct {
	header  string // sorted header lines without mode and time
	name    string // unescaped
	content string
}

// adder is a server that reports each part as soon as it has read it, and ends the response
// as a real server does.
type adder struct {
	mu    sync.Mutex
	parts []part
	query string
	fail  string // the error of the trailer
}

func (a *adder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil {
		http.Error(w, `{"code":400,"message":"no multipart"}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Trailer", trailerError)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts, a.query = nil, r.URL.RawQuery
	if err := a.add(w, r); err != nil {
		w.Header().Set(trailerError, err.Error())
		return
	}
	if a.fail != "" {
		w.Header().Set(trailerError, a.fail)
	}
}

// add imports the upload and records its parts.
func (a *adder) add(w http.ResponseWriter, r *http.Request) error {
	params, err := api.AddParamsFromQuery(r.URL.Query())
	if err != nil {
		return err
	}
	_, media, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	upload, err := files.NewFileFromPartReader(multipart.NewReader(io.TeeReader(r.Body, &body), media["boundary"]), "multipart/form-data")
	if err != nil {
		return err
	}
	_, failed := unixfs.Import(r.Context(), upload, unixfs.Params{
		Format: params.Format, Layout: params.Layout, Chunker: params.Chunker, Hash: params.HashFun, CidVersion: params.CidVersion,
		RawLeaves: params.RawLeaves, Wrap: params.Wrap, Progress: params.Progress,
	}, outputs{w})
	for parts := multipart.NewReader(&body, media["boundary"]); ; {
		p, err := parts.NextPart()
		if err != nil {
			return failed
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return failed
		}
		a.parts = append(a.parts, seenPart(p.Header, content))
	}
}

// outputs writes the events of an import as a server does.
type outputs struct{ w http.ResponseWriter }

func (o outputs) Put(cid.Cid, []byte) error { return nil }

func (o outputs) Emit(e unixfs.Event) error {
	line, err := json.Marshal(api.AddedOutput{Name: e.Name, Cid: api.NewCid(e.Cid), Bytes: e.Bytes, Size: e.Size})
	if err == nil {
		_, err = fmt.Fprintf(o.w, "%s\n", line)
		o.w.(http.Flusher).Flush()
	}
	return err
}

// names returns the names of the last upload's parts.
func (a *adder) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, p := range a.parts {
		names = append(names, p.name)
	}
	return names
}

// addTo returns an adder and a client of it.
func addTo(t *testing.T) (*adder, *defaultClient) {
	t.Helper()
	a := &adder{}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return a, newClient(t, &config.Config{URL: s.URL})
}

// receive calls do, and returns the outputs and the error. It returns only if out is closed.
func receive(do func(out chan<- *api.AddedOutput) error) (outputs []*api.AddedOutput, err error) {
	out := make(chan *api.AddedOutput)
	done := make(chan error, 1)
	go func() { done <- do(out) }()
	for o := range out {
		outputs = append(outputs, o)
	}
	return outputs, <-done
}

// tree creates files in a new directory. A name with a trailing slash is a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// U2: over a Unix socket the whole request was written before the response was read. An
// upload of many files, and a server that reports each file, waited for each other for
// ever. Now the client writes and reads at the same time, on every transport.
func TestU2UploadAndReportAtTheSameTime(t *testing.T) {
	const n = 3000 // this number of reports fills the buffers of any socket
	many := make(map[string]files.Node, n)
	for i := range n {
		many[fmt.Sprintf("a-rather-long-name-of-a-file-%04d", i)] = files.NewBytesFile(bytes.Repeat([]byte{byte(i)}, 100))
	}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(testenv.SocketDir(t), "s")} {
		t.Run(network, func(t *testing.T) {
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			a := &adder{}
			s := httptest.NewUnstartedServer(a)
			s.Listener.Close()
			s.Listener = listener
			s.Start()
			defer s.Close()
			cfg := &config.Config{URL: s.URL}
			if network == "unix" {
				cfg = &config.Config{APIAddr: multiaddr.StringCast("/unix" + address)}
			}
			c := newClient(t, cfg)
			outputs, err := receive(func(out chan<- *api.AddedOutput) error {
				return c.AddMultiFile(t.Context(), files.NewMultiFileReader(files.NewMapDirectory(many), true, false), &api.AddParams{Wrap: true, StreamChannels: true}, out)
			})
			if err != nil || len(outputs) != n+1 {
				t.Errorf("%d outputs, error %v", len(outputs), err)
			}
		})
	}
}

// U9: with a nil out, AddMultiFile looped for ever, or panicked. Now outputs are discarded,
// and errors are returned.
func TestU9NilOut(t *testing.T) {
	a, c := addTo(t)
	if err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), nil, nil); err != nil {
		t.Error(err)
	}
	if err := c.Add(t.Context(), []string{"testdata/a"}, nil, nil); err != nil {
		t.Error(err)
	}
	a.fail = "no room"
	if err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), nil, nil); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
}

// Add closes out exactly once in all cases.
func TestOutIsAlwaysClosed(t *testing.T) {
	a, c := addTo(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	closed := newClient(t, nil)
	_ = closed.Close()
	body := func() *files.MultiFileReader { return multiFile("a", "hello") }
	for name, do := range map[string]func(out chan<- *api.AddedOutput) error{
		"success": func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), body(), nil, out) },
		"bad params": func(out chan<- *api.AddedOutput) error {
			return c.AddMultiFile(t.Context(), body(), &api.AddParams{Format: "x"}, out)
		},
		"nil reader": func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), nil, nil, out) },
		"nil body":   func(out chan<- *api.AddedOutput) error { return c.AddBody(t.Context(), nil, nil, out) },
		"empty Body": func(out chan<- *api.AddedOutput) error { return c.AddBody(t.Context(), &Body{}, nil, out) },
		"open fails": func(out chan<- *api.AddedOutput) error {
			return c.AddBody(t.Context(), failingBody(io.ErrClosedPipe), nil, out)
		},
		"cancelled": func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(cancelled, body(), nil, out) },
		"closed":    func(out chan<- *api.AddedOutput) error { return closed.AddMultiFile(t.Context(), body(), nil, out) },
		"no paths":  func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), nil, nil, out) },
		"paths bad param": func(out chan<- *api.AddedOutput) error {
			return c.Add(t.Context(), []string{"x"}, &api.AddParams{Format: "x"}, out)
		},
		"missing file": func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{"missing"}, nil, out) },
		"no server": func(out chan<- *api.AddedOutput) error {
			return newClient(t, &config.Config{Host: "127.0.0.1", Port: "1"}).AddMultiFile(t.Context(), body(), nil, out)
		},
	} {
		if _, err := receive(do); (err == nil) != (name == "success") {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.fail = "late"
	outputs, err := receive(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), body(), nil, out) })
	if err == nil || len(outputs) != 1 {
		t.Errorf("failure behind an output: %d outputs, error %v", len(outputs), err)
	}
}

func failingBody(err error) *Body {
	return &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) { return nil, err }}
}

// The tests of U18 and U48 cover streams in general. This one covers the particular answers
// of an add.
func TestAddAnswers(t *testing.T) {
	progress := `{"name":"","cid":null,"bytes":262144}`
	for name, test := range map[string]struct {
		answer  rawserver.Answer
		outputs int
		message string // text of the error, empty for no error
	}{
		"progress and node":    {rawserver.AddStream([]string{progress, addedA}).Answer(), 2, ""},
		"failure at once":      {rawserver.AddStream(nil, "bad chunker").Answer(), 0, "bad chunker (500)"},
		"failure behind some":  {rawserver.AddStream([]string{addedA}, "no room").Answer(), 1, "no room (500)"},
		"buffered":             {rawserver.JSON(200, "["+progress+","+addedA+"]"), 2, ""},
		"buffered, none":       {rawserver.JSON(200, "null"), 0, "did not report"},
		"nothing at all":       {rawserver.AddStream(nil).Answer(), 0, "did not report"},
		"no content":           {rawserver.Response{Status: 204, Framing: rawserver.Length}.Answer(), 0, "did not report"},
		"refused":              {rawserver.JSON(400, `{"code":400,"message":"layout parameter is invalid"}`), 0, "layout parameter is invalid (400)"},
		"gone without a reply": {rawserver.Answer{Close: true}, 0, "EOF"},
		"cut":                  {rawserver.Cut(before(rawserver.AddStream([]string{addedA}))), 1, "incomplete"},
	} {
		c := answering(t, test.answer)
		outputs, err := receive(func(out chan<- *api.AddedOutput) error {
			return c.Add(t.Context(), []string{"testdata/a"}, nil, out)
		})
		if len(outputs) != test.outputs || (err == nil) != (test.message == "") {
			t.Errorf("%s: %d outputs, error %v", name, len(outputs), err)
		} else if err != nil {
			contains(t, err.Error(), "Add at ", test.message)
		}
	}
	c := answering(t, rawserver.AddStream([]string{progress, addedA}).Answer())
	outputs, err := receive(func(out chan<- *api.AddedOutput) error {
		return c.Add(t.Context(), []string{"testdata/a"}, nil, out)
	})
	if err != nil || outputs[0].Bytes != 262144 || outputs[0].Cid.Defined() || outputs[1].Cid.Cid != cidA || outputs[1].Size != 13 {
		t.Errorf("%+v, %v", outputs, err)
	}
}

// Q8: a server may reject an add during the upload. The client returns that answer, however
// much of the upload is left.
func TestQ8EarlyAnswer(t *testing.T) {
	overBoth(t, func(r *http.Request) rawserver.Answer {
		a := rawserver.JSON(413, `{"code":413,"message":"too much"}`)
		a.Unread, a.Close = true, true
		return a
	}, func(t *testing.T, c *defaultClient) {
		big := filepath.Join(t.TempDir(), "big")
		if err := os.WriteFile(big, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(big, 1<<30); err != nil {
			t.Fatal(err)
		}
		err := c.Add(t.Context(), []string{big}, nil, nil)
		var e *Error
		if !asError(err, &e) || e.Status != 413 || e.Message != "too much" || errors.Is(err, ErrSource) {
			t.Error(err)
		}
	})
}

// A call ends with its context even if the server does not read the upload, or if the
// source delivers nothing.
func TestStalledUpload(t *testing.T) {
	stop := make(chan struct{})
	overBoth(t, func(r *http.Request) rawserver.Answer {
		stop <- struct{}{}
		<-r.Context().Done()
		return rawserver.Answer{Unread: true, Close: true}
	}, func(t *testing.T, c *defaultClient) {
		for name, source := range map[string]io.Reader{
			"server":        io.MultiReader(strings.NewReader(partA), &endless{text: strings.Repeat("x", 4096)}),
			"server, small": io.MultiReader(strings.NewReader("--b\r\n"), blocked(t)),
			"source":        blocked(t),
		} {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				done <- c.AddBody(ctx, &Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) {
					return io.NopCloser(source), nil
				}}, nil, nil)
			}()
			<-stop
			cancel()
			if err := <-done; !isCanceled(err) || errors.Is(err, ErrSource) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// blocked returns a reader that delivers nothing before the test ends.
func blocked(t *testing.T) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r
}
