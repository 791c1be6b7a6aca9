package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// halfDuplex answers as an adder behind a proxy that stops reading a request when its
// answer begins. It records whether each request was streamed.
type halfDuplex struct {
	mu       sync.Mutex
	streamed []bool
}

func (h *halfDuplex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	streamed := r.URL.Query().Get("stream-channels") == "true"
	h.mu.Lock()
	h.streamed = append(h.streamed, streamed)
	h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if streamed {
		// What was not read when the first part was reported is lost.
		first := bytes.Index(body, []byte("second"))
		body = append(body[:first:first], body[first+3:]...)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if streamed {
		(&adder{}).ServeHTTP(w, r)
		return
	}
	report := httptest.NewRecorder()
	(&adder{}).ServeHTTP(report, r)
	fmt.Fprintf(w, "[%s]", strings.Join(strings.Split(strings.TrimSpace(report.Body.String()), "\n"), ","))
}

// B1, B4: behind a proxy that is not full duplex, each add was wrong or failed, although
// stream-channels=false works there. Now a damaged add is repeated in this way, and the
// later ones are not damaged. Each output is delivered once, and one record is logged.
func TestB1DamagedAddsAreBuffered(t *testing.T) {
	h := &halfDuplex{}
	server := httptest.NewServer(h)
	defer server.Close()
	var log bytes.Buffer
	c := newClient(t, &config.Config{URL: server.URL, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	dir := filepath.Join(tree(t, map[string]string{"d/a": "first", "d/b": "second"}), "d")
	for i := range 3 {
		outputs, err := receive(func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{dir}, nil, out) })
		if err != nil || len(outputs) != 3 || outputs[0].Name != "d/a" || outputs[2].Name != "d" {
			t.Fatalf("add %d: %d outputs, %v", i, len(outputs), err)
		}
	}
	if fmt.Sprint(h.streamed) != "[true false false false]" {
		t.Errorf("streamed: %v", h.streamed)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "BufferedAdds") {
		t.Errorf("logged: %s", log.String())
	}
	// A reader cannot be read again. The next add is right.
	h.streamed = nil
	c = newClient(t, &config.Config{URL: server.URL})
	if err := c.AddMultiFile(t.Context(), multiFile("second", "second"), nil, nil); !errors.Is(err, ErrContentMismatch) && !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
	if err := c.AddMultiFile(t.Context(), multiFile("second", "second"), nil, nil); err != nil || fmt.Sprint(h.streamed) != "[true false]" {
		t.Errorf("streamed: %v, %v", h.streamed, err)
	}
}

// StreamChannels = false and BufferedAdds are honoured from the first add. The progress
// then comes from what was sent.
func TestBufferedProgress(t *testing.T) {
	h := &halfDuplex{}
	server := httptest.NewServer(h)
	defer server.Close()
	dir := filepath.Join(tree(t, map[string]string{"d/a": strings.Repeat("x", 600<<10), "d/b": "second"}), "d")
	for _, skip := range []bool{false, true} {
		for _, buffered := range []bool{false, true} {
			params := api.DefaultAddParams()
			params.Progress, params.StreamChannels = true, buffered
			c := newClient(t, &config.Config{URL: server.URL, BufferedAdds: buffered, SkipVerify: skip})
			outputs, err := receive(func(out chan<- *api.AddedOutput) error { return c.Add(t.Context(), []string{dir}, params, out) })
			var got []string
			for _, o := range outputs {
				got = append(got, fmt.Sprint(o.Name, " ", o.Bytes, " ", o.Cid.Defined()))
			}
			if err != nil || len(got) < 4 || got[len(got)-5] != "a 614400 false" || got[len(got)-4] != "b 6 false" || got[len(got)-1] != "d 0 true" {
				t.Errorf("skip %t, BufferedAdds %t: %q, %v", skip, buffered, got, err)
			}
		}
	}
	for _, streamed := range h.streamed {
		if streamed {
			t.Error("an add was streamed")
		}
	}
}

// B8: if nobody reads out, the error was only "context deadline exceeded".
func TestB8NobodyReadsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := overPipes(t, config.Config{}, (&adder{}).ServeHTTP)
		for _, buffered := range []bool{false, true} {
			params := api.DefaultAddParams()
			params.Progress, params.StreamChannels = true, !buffered
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := c.AddMultiFile(ctx, multiFile("a", "hello"), params, make(chan *api.AddedOutput))
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "nobody reads out") {
				t.Errorf("buffered %t: %v", buffered, err)
			}
		}
	})
}

// B3: a CAR without blocks makes a real peer panic, and a bad one costs a whole upload.
// What is no CAR is refused before a request is sent, and the end of any other bad one
// does not reach the server.
func TestB3BadCARs(t *testing.T) {
	head, block, section := carHead(), unixfsHello(), carSection
	for name, test := range map[string]struct {
		car  string
		text string
		sent bool
	}{
		"good":         {head + section(block), "", true},
		"empty":        {"", "empty", false},
		"page":         {"<!DOCTYPE html><html><body>" + strings.Repeat("not found ", 100), "CAR", false},
		"no blocks":    {head, "no blocks", false},
		"wrong hash":   {head + section(block[:len(block)-1]+"x"), "", false},
		"cut":          {head + section(block)[:30], "", false},
		"trailing":     {head + section(block) + "\x05", "", false},
		"version 2":    {"\x0a\xa1\x67version\x02", "", false},
		"other format": {strings.Repeat("\x00", 100), "", false},
	} {
		var requests atomic.Int64
		c := serve(t, func(r *http.Request) rawserver.Answer {
			requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			return rawserver.AddStream([]string{addedA}).Answer()
		})
		params := api.DefaultAddParams()
		params.Format = "car"
		err := c.AddBody(t.Context(), textBody(partA+test.car+"\r\n--b--\r\n"), params, nil)
		if good := name == "good"; good && err != nil || !good && (!isInvalid(err) || !strings.Contains(err.Error(), test.text)) {
			t.Errorf("%s: %v", name, err)
		}
		if !test.sent && requests.Load() > 0 && test.text != "" {
			t.Errorf("%s: a request was sent", name)
		}
	}
	two := partA + head + section(block) + "\r\n" + partA + "x\r\n--b--\r\n"
	params := api.DefaultAddParams()
	params.Format = "car"
	c := answering(t, rawserver.AddStream([]string{addedA}).Answer())
	if err := c.AddBody(t.Context(), textBody(two), params, nil); !isInvalid(err) {
		t.Errorf("two parts: %v", err)
	}
}

// carHead returns the header of a CAR whose root is cidA.
func carHead() string {
	head := "\xa2eroots\x81\xd8*X#\x00" + string(cidA.Bytes()) + "gversion\x01"
	return string(rune(len(head))) + head
}

// carSection returns the section of a CAR with a block that is said to be that of cidA.
func carSection(block string) string {
	return string(rune(len(cidA.Bytes())+len(block))) + string(cidA.Bytes()) + block
}

// helloCAR returns a CAR with the block of cidA.
func helloCAR() string { return carHead() + carSection(unixfsHello()) }

// unixfsHello returns the block of cidA.
func unixfsHello() string {
	var s blocksOf
	d := files.NewMapDirectory(map[string]files.Node{"a": files.NewBytesFile([]byte("hello"))})
	if _, err := unixfs.Import(context.Background(), d, unixfs.Params{}, &s); err != nil {
		panic(err)
	}
	return s.first
}

// blocksOf keeps the first block of an import.
type blocksOf struct{ first string }

func (b *blocksOf) Put(_ cid.Cid, block []byte) error {
	if b.first == "" {
		b.first = string(block)
	}
	return nil
}

func (*blocksOf) Emit(unixfs.Event) error { return nil }
