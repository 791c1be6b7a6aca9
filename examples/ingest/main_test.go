package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const helloRoot = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"

// clientOf returns a load balancer over a cluster.
func clientOf(cluster *clustertest.Cluster) client.Client {
	var cfgs []*config.Config
	for _, p := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	c, err := lbclient.NewFromConfigs(&strategy.Failover{}, cfgs, 3)
	if err != nil {
		panic(err)
	}
	return c
}

// What is posted is added, and the answer is its root.
func Example() {
	cluster, err := clustertest.Start(clustertest.Options{})
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	c := clientOf(cluster)
	defer c.Close()
	server := httptest.NewServer(newHandler(c, limits{bytes: 10, atOnce: 1, duration: time.Minute}))
	defer server.Close()
	for _, content := range []string{"hello", "more than ten bytes"} {
		answer, err := http.Post(server.URL+"/files/hello.txt", "", strings.NewReader(content))
		if err != nil {
			panic(err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			panic(err)
		}
		answer.Body.Close()
		fmt.Print(answer.StatusCode, " ", string(text))
	}
	fmt.Println(len(cluster.Pinset()), "pins")
	// Output:
	// 200 QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX
	// 413 an upload may have 10 bytes
	// 1 pins
}

// bed is a handler over a cluster of two peers.
type bed struct {
	cluster *clustertest.Cluster
	server  *httptest.Server
	handler http.Handler
}

func newBed(t *testing.T, l limits) *bed {
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	c := clientOf(cluster)
	t.Cleanup(func() { c.Close() })
	h := newHandler(c, l)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.Client().CloseIdleConnections)
	return &bed{cluster, server, h}
}

// post posts a file and returns the status and the text of the answer.
func (b *bed) post(t *testing.T, name string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/files/"+name, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// A peer that breaks off costs nothing, although the body of a request can be read only
// once. If all peers fail, the answer does not say where they are.
func TestPeersFail(t *testing.T) {
	b := newBed(t, limits{bytes: 1 << 20, atOnce: 1, duration: time.Minute})
	b.cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutAfter()})
	if status, text := b.post(t, "a", strings.NewReader("hello")); status != 200 || text != helloRoot {
		t.Errorf("%d %s", status, text)
	}
	b.cluster.Peer(1).Stop()
	status, text := b.post(t, "a", strings.NewReader("hello"))
	if status != 502 || strings.Contains(text, "127.0.0.1") {
		t.Errorf("%d %s", status, text)
	}
}

func TestNames(t *testing.T) {
	b := newBed(t, limits{bytes: 1 << 20, atOnce: 1, duration: time.Minute})
	for name, want := range map[string]int{"a%2Fb": 400, "%2E%2E": 400, "a%20b": 200} {
		if status, text := b.post(t, name, strings.NewReader("hello")); status != want {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// While an upload is in progress, another one is refused. When its client goes away, the
// upload ends, nothing is pinned, and its slot is free.
func TestUploadIsCancelled(t *testing.T) {
	b := newBed(t, limits{bytes: 1 << 20, atOnce: 1, duration: time.Minute})
	content, more := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/files/a", content)
	done := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, req)
		done <- w
	}()
	if _, err := io.WriteString(more, "hello"); err != nil { // returns when the upload reads it
		t.Fatal(err)
	}
	if status, _ := b.post(t, "b", strings.NewReader("hello")); status != 503 {
		t.Errorf("at the limit: %d", status)
	}
	cancel()
	if w := <-done; w.Code == 200 {
		t.Errorf("cancelled: %d %s", w.Code, w.Body)
	}
	more.CloseWithError(io.ErrUnexpectedEOF) // as a server does after the handler has returned
	if pins := b.cluster.Pinset(); len(pins) != 0 {
		t.Errorf("pinned: %v", pins)
	}
	if status, text := b.post(t, "b", strings.NewReader("hello")); status != 200 || text != helloRoot {
		t.Errorf("afterwards: %d %s", status, text)
	}
}

// An upload that takes too long is ended, even if its client sends nothing. The result
// does not depend on how long that takes.
func TestUploadTakesTooLong(t *testing.T) {
	b := newBed(t, limits{bytes: 1 << 20, atOnce: 1, duration: 50 * time.Millisecond})
	content, more := io.Pipe()
	defer more.Close()
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/files/a", content))
	if w.Code != 408 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// An upload that its client breaks off is not the cluster's fault.
func TestUploadBreaksOff(t *testing.T) {
	b := newBed(t, limits{bytes: 1 << 20, atOnce: 1, duration: time.Minute})
	content, more := io.Pipe()
	go func() {
		_, _ = io.WriteString(more, "hello")
		more.CloseWithError(io.ErrUnexpectedEOF)
	}()
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/files/a", content))
	if pins := b.cluster.Pinset(); w.Code != 400 || len(pins) != 0 {
		t.Errorf("%d %s, pinned: %v", w.Code, w.Body, pins)
	}
}
