package clustertest_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// hangGuard bounds exchanges that would otherwise never end.
const hangGuard = time.Minute

// TestReplay sends every recorded request, in order, to a cluster like the
// recorded one, and compares the answers. PINFLEET_GOLDEN_DIR names a directory
// with further transcripts.
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

// replay replays one transcript. all are transcripts of the same peers.
func replay(t *testing.T, f golden.File, all []golden.File) {
	r := newReplayer(t, f, all)
	if degraded(f) {
		// It was recorded after the healthy one, from the same cluster.
		before := slices.IndexFunc(all, func(o golden.File) bool { return o.Name == "crdt" })
		for _, step := range all[before].Cases {
			r.prepare(t, step)
			r.run(t, step)
		}
		r.forget()
	}
	for i, step := range f.Cases {
		t.Run(fmt.Sprintf("%03d-%s", i, step.Name), func(t *testing.T) {
			r.prepare(t, step)
			for _, diff := range step.Diff(r.run(t, step)) {
				t.Errorf("%s %.200s\n%s", step.Request.Method, step.Request.Target, diff)
			}
		})
	}
}

// run sends a request and returns the answer.
func (r *replayer) run(t *testing.T, step golden.Case) golden.Response {
	t.Helper()
	raw, err := step.Request.Encode(r.ids)
	if err != nil {
		t.Fatal(err)
	}
	resp := r.exchange(t, step.Endpoint(), step.Request.Method, raw)
	r.note(step)
	return resp
}

// exchange sends raw bytes over a new connection and returns the answer.
func (r *replayer) exchange(t *testing.T, peer int, method string, raw []byte) golden.Response {
	t.Helper()
	conn := dial(t, r.c.Peer(peer))
	defer conn.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The server need not read the whole request.
		_, _ = conn.Write(raw)
	}()
	resp, err := golden.ReadResponse(conn, method)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-done
	return resp
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

func ipfsDown(c golden.Case) bool { return strings.HasPrefix(c.Name, "ipfs-down-") }
func peerDown(c golden.Case) bool { return strings.HasPrefix(c.Name, "peer-down-") }

func degraded(f golden.File) bool {
	return slices.ContainsFunc(f.Cases, func(c golden.Case) bool { return ipfsDown(c) || peerDown(c) })
}
