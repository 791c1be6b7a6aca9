package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// damaging is a RoundTripper that changes the bodies of requests.
type damaging struct {
	change func(body []byte) []byte
	n      atomic.Int64 // number of requests
}

func (d *damaging) RoundTrip(r *http.Request) (*http.Response, error) {
	d.n.Add(1)
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(d.change(body))), -1, nil
	return http.DefaultTransport.RoundTrip(r)
}

// B1: bytes of an upload vanished at a proxy, the server stored what was left, and the
// add returned no error. Now every change of an upload is noticed, and only correct
// outputs are delivered.
func TestB1DamagedUpload(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	server := httptest.NewServer(&adder{})
	defer server.Close()
	dir := tree(t, map[string]string{"d/a": "content of a", "d/b": strings.Repeat("b", 300<<10), "d/c/e": "e", "d/c/f": "f"})
	add := func(change func([]byte) []byte) ([]*api.AddedOutput, error) {
		d := &damaging{change: change}
		c := newClient(t, &config.Config{URL: server.URL, RoundTripper: d})
		return receive(func(out chan<- *api.AddedOutput) error {
			return c.Add(t.Context(), []string{filepath.Join(dir, "d")}, nil, out)
		})
	}
	right, err := add(func(body []byte) []byte { return body })
	if err != nil || len(right) != 6 {
		t.Fatalf("%d outputs, %v", len(right), err)
	}
	known := map[string]string{}
	for _, o := range right {
		known[o.Name] = o.Cid.String()
	}
	for name, change := range map[string]func(body []byte) []byte{
		"flipped": func(body []byte) []byte { body[bytes.Index(body, []byte("content of a"))]++; return body },
		"late":    func(body []byte) []byte { body[bytes.LastIndex(body, []byte("\r\n\r\nf"))+4]++; return body },
		"dropped": func(body []byte) []byte {
			at := bytes.Index(body, []byte("bbbb"))
			return slices.Delete(body, at+100<<10, at+104<<10)
		},
		"swapped":  func(body []byte) []byte { return bytes.Replace(body, []byte("\r\n\r\nf\r"), []byte("\r\n\r\ne\r"), 1) },
		"renamed":  func(body []byte) []byte { return bytes.Replace(body, []byte("d%2Fa"), []byte("d%2Fx"), 1) },
		"doubled":  func(body []byte) []byte { return doubled(body) },
		"cut":      func(body []byte) []byte { return body[:len(body)/2] },
		"lost end": func(body []byte) []byte { return body[:bytes.LastIndex(body, []byte("\r\n--"))] },
		"a part less": func(body []byte) []byte {
			begin := bytes.Index(body, []byte("--pinfleet-"))
			next := begin + 2 + bytes.Index(body[begin+2:], []byte("--pinfleet-"))
			return slices.Delete(body, next, next+2+bytes.Index(body[next+2:], []byte("--pinfleet-")))
		},
	} {
		outputs, err := add(change)
		if !errors.Is(err, ErrContentMismatch) && !errors.Is(err, ErrIncomplete) || errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		var e *Error
		if !asError(err, &e) || !e.MayHaveExecuted {
			t.Errorf("%s: %+v", name, err)
		}
		for _, o := range outputs {
			if known[o.Name] != o.Cid.String() {
				t.Errorf("%s: %+v was delivered", name, o)
			}
		}
	}
}

// doubled repeats the first part that is a file.
func doubled(body []byte) []byte {
	begin := bytes.Index(body, []byte("--pinfleet-"))
	begin += 2 + bytes.Index(body[begin+2:], []byte("--pinfleet-"))
	end := begin + 2 + bytes.Index(body[begin+2:], []byte("--pinfleet-"))
	return slices.Insert(body, end, body[begin:end]...)
}

// A wrong report is an error that says what is wrong and what was pinned.
func TestWrongReports(t *testing.T) {
	dir := filepath.Join(tree(t, map[string]string{"d/a": "1", "d/b": "2"}), "d")
	a, c := addTo(t)
	right, err := receive(func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{dir}, nil, out) })
	if err != nil || len(right) != 3 || len(a.parts) != 3 {
		t.Fatal(right, err)
	}
	line := func(name, cid string) string { return fmt.Sprintf("{\"name\":%q,\"cid\":%q}\n", name, cid) }
	first, second, root := line("d/a", right[0].Cid.String()), line("d/b", right[1].Cid.String()), line("d", right[2].Cid.String())
	for name, test := range map[string]struct {
		report string
		want   MismatchError
		n      int // delivered outputs
	}{
		"wrong CID":    {first + line("d/b", textA) + root, MismatchError{Name: "d/b", Want: right[1].Cid.Cid, Got: cidA}, 1},
		"wrong root":   {first + second + line("d", textA), MismatchError{Name: "d", Want: right[2].Cid.Cid, Got: cidA, Pinned: cidA}, 2},
		"swapped":      {second + first + root, MismatchError{Name: "d/a", Want: right[0].Cid.Cid}, 0},
		"missing":      {first + root, MismatchError{Name: "d/b", Want: right[1].Cid.Cid}, 1},
		"no directory": {first + second, MismatchError{Name: "d", Want: right[2].Cid.Cid, Pinned: right[1].Cid.Cid}, 2},
		"doubled":      {first + first + second + root, MismatchError{Name: "d/b", Want: right[1].Cid.Cid}, 1},
		"more":         {first + second + root + line("e", textA), MismatchError{Name: "e", Got: cidA, Pinned: cidA}, 3},
	} {
		for _, skip := range []bool{false, true} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Trailer", trailerError) // as from a peer, and not from a proxy
				_, _ = io.WriteString(w, test.report)
			}))
			c := newClient(t, &config.Config{URL: server.URL, SkipVerify: skip})
			outputs, err := receive(func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{dir}, nil, out) })
			var m *MismatchError
			switch {
			case skip && err != nil:
				t.Errorf("%s, not verified: %v", name, err)
			case skip:
			case !errors.As(err, &m) || !errors.Is(err, ErrContentMismatch) || *m != test.want || len(outputs) != test.n:
				t.Errorf("%s: %d outputs, %+v, want %+v", name, len(outputs), m, test.want)
			case m.Pinned.Defined():
				contains(t, err.Error(), m.Pinned.String())
			}
			server.Close()
		}
	}
}

// B2: an answer that ended before the upload was sent counted as success, even an answer
// after 100 KiB of 8 MiB.
func TestB2EarlyAnswer(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := rawserver.AddStream([]string{strings.Replace(addedA, `"a"`, `"big"`, 1)}).Wire()
	for name, answer := range map[string]rawserver.Answer{
		"resets": {Pieces: [][]byte{whole}, Unread: true, Reset: true},
		"drains": {Pieces: [][]byte{whole}, Unread: true, Close: true},
		"holds":  {Pieces: [][]byte{whole}, Unread: true, Hold: true},
	} {
		for _, skip := range []bool{false, true} {
			server := rawserver.New(t, func(r *http.Request) rawserver.Answer {
				_, _ = io.CopyN(io.Discard, r.Body, 100<<10)
				return answer
			})
			c := newClient(t, &config.Config{URL: "http://" + server.Addr(), SkipVerify: skip})
			err := c.Add(t.Context(), []string{big}, nil, nil)
			if err == nil || !errors.Is(err, ErrIncomplete) && name != "resets" {
				t.Errorf("%s, skip %t: %v", name, skip, err)
			}
		}
	}
}

// B5: of two top-level entries without Wrap, both were reported and the last one was
// pinned. The server does not get the end of such an upload.
func TestB5TwoTopLevelEntries(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	for _, skip := range []bool{false, true} {
		c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr(), SkipVerify: skip})
		two := strings.ReplaceAll(onePart, "\r\n--b--\r\n", "\r\n"+strings.ReplaceAll(onePart, `"a"`, `"b"`))
		err := c.AddBody(t.Context(), textBody(two), nil, nil)
		var e *Error
		if !isInvalid(err) || !strings.Contains(err.Error(), "set Wrap") || !asError(err, &e) || e.MayHaveExecuted {
			t.Errorf("skip %t: %v", skip, err)
		}
		pins, err := collect(c.Allocations(t.Context(), api.AllType))
		if err != nil || len(pins) != 0 {
			t.Errorf("%d pins, %v", len(pins), err)
		}
	}
}

// Whatever is added, with whatever parameters, the computed CIDs are those that a server
// reports. A changed byte is always noticed.
func TestPropertyVerification(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	honest := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	var at atomic.Int64
	liar := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr(), RoundTripper: &damaging{change: func(body []byte) []byte {
		body[at.Load()%int64(len(body))] ^= 1
		return body
	}}})
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		root := plantRoot(rt, dir)
		params := drawnParams(rt)
		want, err := receive(func(out chan<- *api.AddedOutput) error { return honest.Add(t.Context(), []string{root}, params, out) })
		if err != nil {
			rt.Fatalf("%+v: %v", params, err)
		}
		at.Store(rapid.Int64Range(0, 1<<20).Draw(rt, "at"))
		got, err := receive(func(out chan<- *api.AddedOutput) error { return liar.Add(t.Context(), []string{root}, params, out) })
		if err == nil && (len(got) == 0 || !got[len(got)-1].Cid.Equals(want[len(want)-1].Cid)) {
			rt.Fatalf("byte %d: no error, %v", at.Load(), got)
		}
	})
}

// drawnParams returns parameters of an add.
func drawnParams(t *rapid.T) *api.AddParams {
	p := api.DefaultAddParams()
	p.Hidden = true
	p.Wrap = rapid.Bool().Draw(t, "wrap")
	p.Progress = rapid.Bool().Draw(t, "progress")
	p.StreamChannels = rapid.Bool().Draw(t, "streamed")
	p.Layout = rapid.SampledFrom([]string{"", "balanced", "trickle"}).Draw(t, "layout")
	p.Chunker = rapid.SampledFrom([]string{"", "default", "size-1000", "size-262144", "rabin", "rabin-128-256-512", "buzhash"}).Draw(t, "chunker")
	p.CidVersion = rapid.IntRange(0, 1).Draw(t, "version")
	if p.CidVersion == 1 {
		p.HashFun = rapid.SampledFrom([]string{"sha2-256", "sha2-512", "sha3-256", "blake2b-256", "blake3"}).Draw(t, "hash")
		p.NoRawLeaves = rapid.Bool().Draw(t, "no raw")
	}
	p.RawLeaves = !p.NoRawLeaves && rapid.Bool().Draw(t, "raw")
	return p
}
