package clustertest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// part returns the header of a part of an upload.
func part(name string) string {
	return fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\n\r\n", golden.Boundary, name)
}

// TestAddReportsWhileUploading reads each output before it sends the next file.
func TestAddReportsWhileUploading(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	body, upload := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://cluster/add?wrap-with-directory=true", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", multipart)
	// Do returns only after the first output, so a goroutine sends the first file.
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(upload, part("0")+"zero\r\n"+part("1"))
		sent <- err
	}()
	resp, err := call.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	outputs := bufio.NewReader(resp.Body)
	for i := range 50 {
		line, err := outputs.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, fmt.Sprintf(`{"name":"%d"`, i)) {
			t.Fatalf("output %d is %s, %v", i, line, err)
		}
		if _, err := fmt.Fprintf(upload, "%d\r\n%s", i, part(fmt.Sprint(i+2))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(upload, "end\r\n--"+golden.Boundary+"--\r\n"); err != nil {
		t.Fatal(err)
	}
	upload.Close()
	rest, err := io.ReadAll(outputs)
	if err != nil || !bytes.Contains(rest, []byte(`{"name":""`)) || len(resp.Trailer.Values("X-Stream-Error")) != 0 {
		t.Errorf("rest %s, error %v, trailer %v", rest, err, resp.Trailer)
	}
	if n := len(c.Pinset()); n != 1 {
		t.Errorf("%d pins", n)
	}
}

// TestAddWithoutIPFS adds while some IPFS daemons are down, with local=true
// while the peer's own daemon is down, and while all are down.
func TestAddWithoutIPFS(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	call := newCaller(t, c.Peer(0))
	lost := func(query string) {
		t.Helper()
		a := call.add(query, file("f", "content"))
		if got := a.trailer.Get("X-Stream-Error"); a.status != 200 || got != "failed to put block on all destinations" {
			t.Errorf("%+v", a)
		}
	}
	c.Peer(0).StopIPFS()
	if a := call.add("", file("f", "some daemons")); a.trailer.Get("X-Stream-Error") != "" {
		t.Errorf("one daemon is up: %+v", a)
	}
	pins := len(c.Pinset())
	lost("local=true")
	c.Peer(1).StopIPFS()
	lost("")
	call.add("stream-channels=false", file("f", "content")).expect(t, 500, `{"code":500,"message":"failed to put block on all destinations"}`)
	a := call.add("chunker=size-1", file("f", golden.Boundary+strings.Repeat(golden.Boundary[:20], 20)), file("g", strings.Repeat("0123456789", 200)))
	if a.trailer.Get("X-Stream-Error") == "" {
		t.Errorf("large add: %+v", a)
	}
	if n := len(c.Pinset()); n != pins {
		t.Errorf("%d pins, want %d", n, pins)
	}
}

// TestCrashWhileUploading cuts an upload after its first file. The file was
// reported, but must not be pinned.
func TestCrashWhileUploading(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	defer c.Peer(0).Inject(clustertest.Fault{Effect: clustertest.CutUpload(100_000)})()
	body := golden.Parts{file("a", "small"), file("b", strings.Repeat("x", 1<<20))}.Encode()
	a, err := newCaller(t, c.Peer(0)).do(http.MethodPost, "/add", bytes.NewReader(body), "Content-Type", multipart)
	if err == nil && (a.err == nil || !strings.HasPrefix(a.body, `{"name":"a"`)) {
		t.Errorf("answer %+v", a)
	}
	if n := len(c.Pinset()); n != 0 {
		t.Errorf("%d pins", n)
	}
}

func TestHeaderOption(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Header: http.Header{"X-Operator": {"a", "b"}}})
	call := newCaller(t, c.Peer(0))
	for _, target := range []string{"/id", "/pins", "/nowhere", "/health"} {
		if got := call.get(target).header["X-Operator"]; len(got) != 2 {
			t.Errorf("%s: %q", target, got)
		}
	}
}

func TestAddEmptyForm(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	if a, err := call.do(http.MethodPost, "/add", strings.NewReader("--"+golden.Boundary+"--\r\n"), "Content-Type", multipart); err == nil {
		t.Errorf("answered: %+v", a)
	}
	// With a directory around it, an empty form is an empty directory.
	out := one[api.AddedOutput](t, call.add("wrap-with-directory=true"))
	if got := out.Cid.String(); got != "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn" {
		t.Errorf("empty directory is %s", got)
	}
}

// TestRefusedUpload sends a large upload that the peer rejects before it reads
// it (Q8).
func TestRefusedUpload(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, c.Peer(0))
	call.add("layout=zigzag", file("f", strings.Repeat("x", 1<<20))).expect(t, 400, "layout parameter is invalid")
}

func TestFollower(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Follower: true})
	call := newCaller(t, c.Peer(0))
	const text = "this peer is configured to be in follower mode. Write operations are disabled"
	call.call(http.MethodPost, "/pins/"+someCid).expect(t, 500, text)
	call.call(http.MethodDelete, "/pins/"+someCid).expect(t, 500, text)
	if got := call.add("", file("f", "x")).trailer.Get("X-Stream-Error"); got != text {
		t.Errorf("add: %q", got)
	}
}

// TestDiscardBlocks uploads more bytes than the process may keep.
func TestDiscardBlocks(t *testing.T) {
	const megabytes = 64
	c := clustertest.New(t, clustertest.Options{Peers: 1, DiscardBlocks: true})
	call := newCaller(t, c.Peer(0))
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	readers := []io.Reader{strings.NewReader(part("f"))}
	for range megabytes {
		readers = append(readers, bytes.NewReader(chunk))
	}
	readers = append(readers, strings.NewReader("\r\n--"+golden.Boundary+"--\r\n"))
	a, err := call.do(http.MethodPost, "/add", io.MultiReader(readers...), "Content-Type", multipart)
	if err != nil {
		t.Fatal(err)
	}
	out := one[api.AddedOutput](t, a)
	if out.Size < megabytes<<20 {
		t.Errorf("size %d", out.Size)
	}
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	if mem.HeapAlloc > megabytes<<20/2 {
		t.Errorf("%d bytes are in use", mem.HeapAlloc)
	}
	call.call(http.MethodPost, "/pins/ipfs/"+out.Cid.String()+"/x").expect(t, 500, "IPFS error (resolve?arg=")
}

// TestGarbage adds without pinning, collects garbage, and checks that the
// blocks are gone.
func TestGarbage(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	call := newCaller(t, c.Peer(0))
	call.add("cid-version=1", file("f", "kept"))
	lost := one[api.AddedOutput](t, call.add("cid-version=1&no-pin=true", file("f", "lost")))
	c.Peer(1).StopIPFS()
	gc := one[api.GlobalRepoGC](t, call.call(http.MethodPost, "/ipfs/gc"))
	ours, theirs := gc.PeerMap[c.Peer(0).ID().String()], gc.PeerMap[c.Peer(1).ID().String()]
	if !strings.Contains(fmt.Sprint(ours.Keys), lost.Cid.String()) || ours.Error != "" || ours.Peername != "peer0" {
		t.Errorf("our keys: %+v, want %s", ours, lost.Cid)
	}
	if theirs.Keys != nil || !strings.Contains(theirs.Error, "connection refused") {
		t.Errorf("where IPFS is down: %+v", theirs)
	}
	gc = one[api.GlobalRepoGC](t, call.call(http.MethodPost, "/ipfs/gc?local=true"))
	if again := gc.PeerMap[c.Peer(0).ID().String()]; len(again.Keys) != 0 || again.Keys == nil || len(gc.PeerMap) != 1 {
		t.Errorf("collected twice: %+v", gc)
	}
}

func TestPinWithAllocations(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 3, FreeSpace: []uint64{10, 30, 20}})
	call := newCaller(t, c.Peer(0))
	pin := one[api.Pin](t, call.call(http.MethodPost, "/pins/"+someCid+"?replication-min=1&replication-max=2"))
	if got, want := fmt.Sprint(pin.Allocations), fmt.Sprint([]any{c.Peer(1).ID(), c.Peer(2).ID()}); got != want {
		t.Errorf("allocated to %s, want %s", got, want)
	}
	user := c.Peer(0).ID().String()
	call.call(http.MethodDelete, "/pins/"+someCid)
	pin = one[api.Pin](t, call.call(http.MethodPost, "/pins/"+someCid+"?replication=1&user-allocations=zzz,"+user))
	if len(pin.Allocations) != 1 || pin.Allocations[0] != c.Peer(0).ID() || len(pin.UserAllocations) != 1 {
		t.Errorf("allocated to %v", pin.Allocations)
	}
	want := map[string]api.TrackerStatus{"peer0": api.TrackerStatusPinned, "peer1": api.TrackerStatusRemote, "peer2": api.TrackerStatusRemote}
	if got := call.status(someCid); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("status %v", got)
	}
	stored := c.Pinset()[0]
	if stored.UserAllocations != nil || stored.Origins == nil {
		t.Errorf("stored %+v", stored)
	}
}

func TestLegacy(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Legacy: clustertest.LegacyV0 | clustertest.LegacyAccepted})
	call := newCaller(t, c.Peer(0))
	call.get("/pins").expect(t, 200, "null\n")
	a := call.call(http.MethodPost, "/pins/"+someCid)
	if a.status != 202 || a.body != "" {
		t.Errorf("pin: %d %q", a.status, a.body)
	}
	for _, target := range []string{"/allocations", "/pins"} {
		a := call.get(target)
		if a.header.Get("Trailer") != "" || !strings.Contains(a.body, `"cid":{"/":"`+someCid+`"}`) {
			t.Errorf("%s: %s", target, a.body)
		}
		var list []map[string]any
		if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 {
			t.Fatalf("%s: %v in %s", target, err, a.body)
		}
		if kind, ok := list[0]["type"]; ok && kind != 2.0 {
			t.Errorf("type %v", kind)
		}
	}
	call.add("", file("f", "x")).expect(t, 200, `"cid":{"/":"Qm`)
	call.get("/pins/"+someCid).expect(t, 200, `"cid":{"/":"`)
	call.add("no-pin=true", file("f", "garbage"))
	call.call(http.MethodPost, "/ipfs/gc").expect(t, 200, `"keys":[{"key":{"/":"bafk`)
}

// TestManyPins lists 100,000 pins, and the status of 5,000.
func TestManyPins(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a hundred thousand pins")
	}
	for target, n := range map[string]int{"/allocations": 100_000, "/pins?local=true": 5_000, "/pins": 5_000} {
		c := clustertest.New(t, clustertest.Options{Peers: 3})
		if got := len(c.Seed(n)); got != n {
			t.Fatalf("%d CIDs", got)
		}
		a := newCaller(t, c.Peer(0)).get(target)
		if got := strings.Count(a.body, "\n"); got != n || a.trailer["X-Stream-Error"] == nil {
			t.Errorf("%s: %d items, trailer %v", target, got, a.trailer)
		}
	}
}

// TestReadFile checks that a file can be read that was added in a directory, and
// that neither a directory nor unknown content can.
func TestReadFile(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	content := strings.Repeat("content ", 1000)
	added := decode[api.AddedOutput](t, newCaller(t, c.Peer(0)).add("chunker=size-1000&wrap-with-directory=true", file("f", content)))
	got, err := c.ReadFile(added[0].Cid.Cid)
	if err != nil || string(got) != content {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	if _, err := c.ReadFile(added[len(added)-1].Cid.Cid); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: error %v", err)
	}
	if _, err := c.ReadFile(c.Seed(1)[0]); err == nil {
		t.Error("unknown content: no error")
	}
}
