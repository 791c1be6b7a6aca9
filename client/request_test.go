package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// multiFile returns a body with one file.
func multiFile(name, content string) *files.MultiFileReader {
	dir := files.NewMapDirectory(map[string]files.Node{name: files.NewBytesFile([]byte(content))})
	return files.NewMultiFileReader(dir, true, false)
}

// seen is a request that a recorder received.
type seen struct {
	line   string // method and target
	header http.Header
	body   string
}

// recorder is a handler that gives every request the same answer and records the requests.
type recorder struct {
	answer rawserver.Answer

	mu   sync.Mutex
	seen []seen
}

func (r *recorder) handle(req *http.Request) rawserver.Answer {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return rawserver.Answer{Reset: true}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, seen{req.Method + " " + req.RequestURI, req.Header, string(body)})
	return r.answer
}

func (r *recorder) requests() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// last returns the line of the last request.
func (r *recorder) last(t *testing.T) string {
	t.Helper()
	requests := r.requests()
	if len(requests) == 0 {
		t.Fatal("there was no request")
	}
	return requests[len(requests)-1].line
}

const noOptions = "mode=recursive&name=&replication-max=0&replication-min=0&shard-size=0&user-allocations="

// Each method sends exactly this request.
func TestRequests(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(500, `{"code":500,"message":"no"}`)}
	c := serve(t, r.handle)
	want := map[Op]string{
		OpID:                  "GET /id",
		OpPeers:               "GET /peers",
		OpPeerAdd:             "POST /peers",
		OpPeerRm:              "DELETE /peers/" + textPeer,
		OpPin:                 "POST /pins/" + textA + "?" + noOptions,
		OpUnpin:               "DELETE /pins/" + textA,
		OpPinPath:             "POST /pins/ipfs/" + textA + "/a?" + noOptions,
		OpUnpinPath:           "DELETE /pins/ipfs/" + textA + "/a",
		OpAllocations:         "GET /allocations?filter=all",
		OpAllocation:          "GET /allocations/" + textA,
		OpStatus:              "GET /pins/" + textA + "?local=false",
		OpStatusCids:          "GET /pins?local=false&cids=" + textA,
		OpStatusAll:           "GET /pins?local=false",
		OpRecover:             "POST /pins/" + textA + "/recover?local=false",
		OpRecoverAll:          "POST /pins/recover?local=false",
		OpAlerts:              "GET /health/alerts",
		OpBandwidthByProtocol: "GET /health/bandwidth",
		OpVersion:             "GET /version",
		OpConnectGraph:        "GET /health/graph",
		OpMetrics:             "GET /monitor/metrics/ping",
		OpMetricNames:         "GET /monitor/metrics",
		OpRepoGC:              "POST /ipfs/gc?local=false",
		OpHealth:              "GET /health",
		OpToken:               "POST /token",
		OpAdd:                 "POST /add?" + defaultAddQuery,
		OpAddMultiFile:        "POST /add?" + defaultAddQuery,
	}
	for op, do := range calls {
		before := len(r.requests())
		err := do(t.Context(), c)
		var e *Error
		if !asError(err, &e) || e.Op != op || e.Status != 500 || e.Message != "no" || !e.MayHaveExecuted {
			t.Errorf("%s: error %+v", op, err)
		}
		if n := len(r.requests()) - before; n != 1 {
			t.Errorf("%s: %d requests", op, n)
			continue
		}
		got := r.requests()[before]
		if got.line != want[op] {
			t.Errorf("%s:\n got %s\nwant %s", op, got.line, want[op])
		}
		if ua := got.header.Get("User-Agent"); ua != "pinfleet" {
			t.Errorf("%s: User-Agent %q", op, ua)
		}
		if ae, ik := got.header["Accept-Encoding"], got.header["Idempotency-Key"]; ae != nil || ik != nil {
			t.Errorf("%s: superfluous headers: %q", op, got.header)
		}
	}
	if len(calls) != len(want) || len(want) != len(replayClasses)-1 { // IPFS sends no request
		t.Errorf("%d calls, %d requests, %d operations", len(calls), len(want), len(replayClasses))
	}
}

// U22: raw-leaves=false was always sent, so that CIDv1 never implied raw leaves. Now
// raw-leaves is sent only if it is set.
const defaultAddQuery = "chunker=size-262144&cid-version=0&format=unixfs&hash=sha2-256&hidden=false&layout=&local=false" +
	"&mode=recursive&name=&no-pin=false&nocopy=false&progress=false&recursive=true&replication-max=0&replication-min=0" +
	"&shard=false&shard-size=104857600&stream-channels=true&user-allocations=&wrap-with-directory=false"

func TestU22RawLeavesAreLeftToTheServer(t *testing.T) {
	r := &recorder{answer: rawserver.AddStream([]string{addedA}).Answer()}
	c := newClient(t, &config.Config{URL: "http://" + rawserver.New(t, r.handle).Addr(), SkipVerify: true})
	for _, test := range []struct {
		params api.IPFSAddParams
		want   string
	}{
		{api.IPFSAddParams{CidVersion: 1}, ""},
		{api.IPFSAddParams{CidVersion: 1, RawLeaves: true}, "raw-leaves=true"},
		{api.IPFSAddParams{CidVersion: 1, NoRawLeaves: true}, "raw-leaves=false"},
	} {
		if err := c.AddMultiFile(t.Context(), multiFile("a", ""), &api.AddParams{IPFSAddParams: test.params}, nil); err != nil {
			t.Fatal(err)
		}
		line := r.last(t)
		if !strings.Contains(line, test.want) || test.want == "" && strings.Contains(line, "raw-leaves") {
			t.Errorf("%+v: %s", test.params, line)
		}
	}
	if err := c.Add(t.Context(), []string{"testdata/a"}, &api.AddParams{IPFSAddParams: api.IPFSAddParams{RawLeaves: true, NoRawLeaves: true}}, nil); !isInvalid(err) {
		t.Errorf("a contradiction: %v", err)
	}
}

// Q2: the route for a CID ignores the mode, so direct pins use the route for a path.
func TestQ2DirectPinsGoByPath(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, pinA)}
	c := serve(t, r.handle)
	if _, err := c.Pin(t.Context(), cidA, api.PinOptions{Mode: api.PinModeDirect}); err != nil {
		t.Fatal(err)
	}
	if line := r.last(t); !strings.HasPrefix(line, "POST /pins/ipfs/"+textA+"?mode=direct&") {
		t.Errorf("request %s", line)
	}
}

// Every request has the base path, the Config's headers and the user agent. The body of
// PeerAdd is JSON.
func TestRequestSettings(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, idDoc)}
	s := rawserver.New(t, r.handle)
	header := http.Header{"X-Tenant": {"a", "b"}, "Idempotency-Key": {"k"}}
	c := newClient(t, &config.Config{URL: "http://" + s.Addr() + "/base%20x", Headers: header, UserAgent: "me/1"})
	if _, err := c.PeerAdd(t.Context(), peerA); err != nil {
		t.Fatal(err)
	}
	got := r.requests()[0]
	if got.line != "POST /base%20x/peers" || got.body != `{"peer_id":"`+textPeer+`"}` ||
		got.header.Get("Content-Type") != "application/json" || got.header.Get("User-Agent") != "me/1" ||
		strings.Join(got.header["X-Tenant"], ",") != "a,b" || got.header.Get("Idempotency-Key") != "k" {
		t.Errorf("request %+v", got)
	}
	if len(header) != 2 {
		t.Errorf("the caller's headers were changed: %v", header)
	}
}

// Arguments that no server accepts are rejected before a request is sent.
func TestInvalidArguments(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, `{}`)}
	c := serve(t, r.handle)
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"undefined CID: Pin":        func() error { return second(c.Pin(ctx, api.CidUndef.Cid, api.PinOptions{})) },
		"undefined CID: Unpin":      func() error { return second(c.Unpin(ctx, api.CidUndef.Cid)) },
		"undefined CID: Status":     func() error { return second(c.Status(ctx, api.CidUndef.Cid, false)) },
		"undefined CID: Recover":    func() error { return second(c.Recover(ctx, api.CidUndef.Cid, false)) },
		"undefined CID: Allocation": func() error { return second(c.Allocation(ctx, api.CidUndef.Cid)) },
		"empty peer: PeerAdd":       func() error { return second(c.PeerAdd(ctx, "")) },
		"empty peer: PeerRm":        func() error { return c.PeerRm(ctx, "") },
		"empty metric":              func() error { return second(c.Metrics(ctx, "")) },
		"metric ..":                 func() error { return second(c.Metrics(ctx, "..")) },
		"empty path":                func() error { return second(c.PinPath(ctx, "", api.PinOptions{})) },
		"no CID in path":            func() error { return second(c.UnpinPath(ctx, "/ipfs/nothing/a")) },
		"path that leaves the CID":  func() error { return second(c.UnpinPath(ctx, "/ipfs/"+textA+"/../..")) },
		"bad options":               func() error { return second(c.Pin(ctx, cidA, api.PinOptions{ReplicationFactorMin: -2})) },
		"bad options by path": func() error {
			return second(c.PinPath(ctx, textA, api.PinOptions{ReplicationFactorMin: 3, ReplicationFactorMax: 2}))
		},
		"add: bad params": func() error { return c.Add(ctx, []string{"testdata/a"}, &api.AddParams{Format: "tar"}, nil) },
		"add: nothing":    func() error { return c.Add(ctx, nil, nil, nil) },
	} {
		err := do()
		if !isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
		var e *Error
		if !asError(err, &e) || e.MayHaveExecuted || e.Status != 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := len(r.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A method that is called with an ended context sends nothing.
func TestEndedContextSendsNothing(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, `{}`)}
	c := serve(t, r.handle)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for op, do := range calls {
		var e *Error
		if err := do(ctx, c); !asError(err, &e) || !isCanceled(err) || e.MayHaveExecuted || e.Op != op {
			t.Errorf("%s: %v", op, err)
		}
	}
	if n := len(r.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
