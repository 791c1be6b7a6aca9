package clustertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/golden"
)

// hangGuard ends what would never end, nothing else.
const hangGuard = time.Minute

// TestReplay sends every recorded request to a cluster like the recorded one, in
// order, and compares the answers. PINFLEET_GOLDEN_DIR names a directory with
// further transcripts.
func TestReplay(t *testing.T) {
	files, err := golden.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) { replay(t, f, files) })
	}
	dir := os.Getenv("PINFLEET_GOLDEN_DIR")
	if dir == "" {
		return
	}
	more, err := golden.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(more) == 0 {
		t.Fatalf("no transcripts in %s", dir)
	}
	for _, f := range more {
		t.Run("dir/"+f.Name, func(t *testing.T) { replay(t, f, append(more, files...)) })
	}
}

// replay runs one transcript; others are those that a degraded one may follow.
func replay(t *testing.T, f golden.File, others []golden.File) {
	c := clustertest.New(t, optionsFor(f))
	r := &replayer{c: c, replace: peerIDs(c, f), pinned: make(map[string]bool)}
	if degraded(f) {
		// It was recorded after the healthy one, by the same cluster.
		i := slices.IndexFunc(others, func(o golden.File) bool { return o.Name == "crdt" })
		if i < 0 {
			t.Fatal("no transcript crdt to run before")
		}
		before := others[i]
		r.replace = peerIDs(c, before)
		for _, step := range before.Cases {
			r.prepare(t, before, step)
			r.run(t, step)
		}
		r.replace = peerIDs(c, f)
	}
	r.pinned, r.last = make(map[string]bool), time.Time{}
	for i, step := range f.Cases {
		t.Run(fmt.Sprintf("%03d-%s", i, step.Name), func(t *testing.T) {
			r.prepare(t, f, step)
			for _, diff := range step.Diff(r.run(t, step)) {
				t.Errorf("%s %.200s\n%s", step.Request.Method, step.Request.Target, diff)
			}
		})
	}
}

type replayer struct {
	c       *clustertest.Cluster
	replace *strings.Replacer
	// pinned are the CIDs that earlier cases have pinned, last is when the one
	// before was recorded.
	pinned map[string]bool
	last   time.Time
}

// run sends a request and returns the answer.
func (r *replayer) run(t *testing.T, step golden.Case) golden.Response {
	t.Helper()
	raw, err := step.Request.Encode(r.replace)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, r.c.Peer(step.Endpoint()))
	defer conn.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The server need not read all of it.
		_, _ = conn.Write(raw)
	}()
	resp, err := golden.ReadResponse(conn, step.Request.Method)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-done
	r.notePins(step)
	return resp
}

// notePins remembers what a case has pinned: the CID of a pin, the last one of an
// add, and its shards.
func (r *replayer) notePins(step golden.Case) {
	if step.Request.Method != http.MethodPost || step.Response.Status != http.StatusOK {
		return
	}
	content, _ := step.Response.Body.Bytes()
	last := ""
	for dec := json.NewDecoder(bytes.NewReader(content)); dec.More(); {
		var item struct {
			Name string
			Cid  api.Cid
		}
		if dec.Decode(&item) != nil {
			return
		}
		last = item.Cid.String()
		if strings.HasPrefix(item.Name, "shard-") || strings.HasSuffix(item.Name, "-clusterDAG") {
			r.pinned[last] = true
		}
	}
	if !strings.Contains(step.Request.Target, "no-pin=true") {
		r.pinned[last] = true
	}
}

func dial(t testing.TB, p *clustertest.Peer) net.Conn {
	t.Helper()
	addr, err := manet.ToNetAddr(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(hangGuard)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// optionsFor configures a cluster like the one of the transcript.
func optionsFor(f golden.File) clustertest.Options {
	opts := clustertest.Options{Peers: 3}
	for _, c := range f.Cases {
		if strings.HasPrefix(c.Name, "raft") || strings.HasPrefix(f.Name, "raft") {
			opts.Consensus = clustertest.Raft
		}
		if c.Request.Get("Authorization") != "" || c.Response.Get("Www-Authenticate") != "" {
			opts.BasicAuth = map[string]string{"alice": "wonder", "bob": "builder"}
		}
	}
	return opts
}

func ipfsDown(c golden.Case) bool { return strings.HasPrefix(c.Name, "ipfs-down-") }
func peerDown(c golden.Case) bool { return strings.HasPrefix(c.Name, "peer-down-") }

func degraded(f golden.File) bool {
	return slices.ContainsFunc(f.Cases, func(c golden.Case) bool { return ipfsDown(c) || peerDown(c) })
}

// peerIDs replaces the recorded peer IDs by those of the cluster.
func peerIDs(c *clustertest.Cluster, f golden.File) *strings.Replacer {
	var pairs []string
	for id, i := range f.Peers() {
		if i < len(c.Peers()) {
			pairs = append(pairs, id, c.Peer(i).ID().String())
		}
	}
	return strings.NewReplacer(pairs...)
}

// prepare brings the cluster into the state in which a case was recorded.
func (r *replayer) prepare(t *testing.T, f golden.File, step golden.Case) {
	t.Helper()
	if at, err := http.ParseTime(step.Response.Get("Date")); err == nil {
		if gap := at.Sub(r.last); !r.last.IsZero() && gap > 0 {
			r.c.Advance(gap)
		}
		r.last = at
	}
	switch {
	case ipfsDown(step):
		r.c.Peer(downPeer(f)).StopIPFS()
	case peerDown(step):
		r.c.Peer(downPeer(f)).Stop()
	}
	r.seed(t, f, step)
}

var downPattern = regexp.MustCompile(`127\.0\.0\.1:5(\d)01|/tcp/9(\d)96\] dial backoff`)

// downPeer returns the peer that a degraded transcript says is down.
func downPeer(f golden.File) int {
	for _, c := range f.Cases {
		content, _ := c.Response.Body.Bytes()
		if m := downPattern.FindStringSubmatch(string(content)); m != nil {
			i, _ := strconv.Atoi(m[1] + m[2])
			return i
		}
	}
	return 2
}

// seed puts pins into the pinset that a listing shows and that no earlier case
// has made: they come from requests that are not in the transcript.
func (r *replayer) seed(t *testing.T, f golden.File, step golden.Case) {
	t.Helper()
	if step.Request.Method != http.MethodGet || step.Response.Status != http.StatusOK ||
		!strings.HasPrefix(step.Request.Target, "/allocations") && !strings.HasPrefix(step.Request.Target, "/pins") {
		return
	}
	content, _ := step.Response.Body.Bytes()
	dec := json.NewDecoder(bytes.NewReader(content))
	peers := f.Peers()
	for dec.More() {
		var item json.RawMessage
		var pin api.Pin
		var status api.GlobalPinInfo
		if err := dec.Decode(&item); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(item, &pin), json.Unmarshal(item, &status)); err != nil {
			t.Fatal(err)
		}
		if r.known(pin.Cid) || len(status.PeerMap) > 0 && status.Match(api.TrackerStatusUnpinned) {
			continue
		}
		for i, id := range pin.Allocations {
			if n, ok := peers[id.String()]; ok {
				pin.Allocations[i] = r.c.Peer(n).ID()
			}
		}
		if len(status.PeerMap) > 0 {
			pin.MaxDepth, pin.Timestamp = -1, status.Created
			if len(pin.Allocations) == 0 {
				pin.ReplicationFactorMin, pin.ReplicationFactorMax = -1, -1
			}
		}
		t.Logf("seeding %s, which no earlier case has pinned", pin.Cid)
		r.c.SeedPin(pin)
	}
}

// known tells whether an earlier case has pinned the CID, or the pinset has it.
func (r *replayer) known(c api.Cid) bool {
	return r.pinned[c.String()] || slices.ContainsFunc(r.c.Pinset(), func(pin api.Pin) bool { return pin.Cid.Equals(c) })
}
