package lbclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// newCluster returns a cluster of three peers and a load balancer over them.
func newCluster(t *testing.T, s strategy.LBStrategy, opts ...lbclient.Option) (*clustertest.Cluster, client.Client) {
	t.Helper()
	cluster := clustertest.New(t, clustertest.Options{DiscardBlocks: true})
	var cfgs []*config.Config
	for _, p := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	c, err := lbclient.NewLBClient(s, cfgs, 3, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return cluster, c
}

func TestPeersKilledBetweenCalls(t *testing.T) {
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			cluster, c := newCluster(t, s)
			ci := cluster.Seed(1)[0]
			for i := range 30 {
				if i%10 == 0 && i > 0 {
					cluster.Peer(i/10 - 1).Stop()
				}
				if _, err := c.ID(t.Context()); err != nil {
					t.Errorf("ID: %v", err)
				}
				if _, err := c.Pin(t.Context(), ci, api.PinOptions{}); err != nil {
					t.Errorf("Pin: %v", err)
				}
			}
			cluster.Peer(2).Stop()
			_, err := c.ID(t.Context())
			var all *lbclient.AttemptsError
			if !errors.As(err, &all) || len(all.Attempts) != 4 {
				t.Errorf("with all peers down: %v", err)
			}
			if err := cluster.Peer(1).Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.ID(t.Context()); err != nil {
				t.Errorf("after one came back: %v", err)
			}
		})
	}
}

func TestPeerKilledDuringListing(t *testing.T) {
	n := 100_000 / scale
	if testing.Short() {
		n = 5_000
	}
	cluster, c := newCluster(t, &strategy.Failover{})
	cluster.Seed(n)
	var want []cid.Cid
	for _, pin := range cluster.Pinset() {
		want = append(want, pin.Cid.Cid)
	}
	got := make([]cid.Cid, 0, n)
	for pin, err := range c.Allocations(t.Context(), api.AllType) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pin.Cid.Cid)
		switch len(got) {
		case n / 3:
			cluster.Peer(0).Stop()
		case n * 2 / 3:
			cluster.Peer(1).Stop()
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d items, which are not the %d of the pinset in their order", len(got), len(want))
	}
}

// Close ends the calls in flight. A short call has the caller's own context, so the Close of
// its endpoint's client must end it.
func TestCloseEndsCallsUnderWay(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{})
	held := make(chan struct{})
	cluster.InjectAll(clustertest.Fault{Effect: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			held <- struct{}{}
			<-r.Context().Done()
		})
	}})
	done := make(chan error)
	go func() { _, err := c.ID(t.Context()); done <- err }()
	go func() {
		var last error
		for _, err := range c.StatusAll(t.Context(), 0, false) {
			last = err
		}
		done <- last
	}()
	<-held
	<-held
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		select {
		case err := <-done:
			if !errors.Is(err, client.ErrClosed) {
				t.Errorf("got %v, want closed", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the call hangs")
		}
	}
}

// generated is a reader of n random bytes, which depend only on its seed. It calls halfway
// once, in the middle.
type generated struct {
	src     io.Reader
	n, left int
	halfway func()
}

func newGenerated(seed byte, n int, halfway func()) *generated {
	return &generated{rand.NewChaCha8([32]byte{seed}), n, n, halfway}
}

func (g *generated) Read(p []byte) (int, error) {
	if g.left == 0 {
		return 0, io.EOF
	}
	n, err := g.src.Read(p[:min(len(p), g.left)])
	if g.left > g.n/2 && g.left-n <= g.n/2 && g.halfway != nil {
		g.halfway()
	}
	g.left -= n
	return n, err
}

// When a peer dies in the middle of an upload of 200 MB that can be read only once, the
// outputs and the CID are those of an undisturbed add.
func TestPeerKilledDuringUpload(t *testing.T) {
	size := 200 << 20 / scale
	if testing.Short() {
		size = 10 << 20
	}
	add := func(c client.Client, halfway func()) (nodes []string) {
		dir := files.NewSliceDirectory([]files.DirEntry{
			files.FileEntry("small", files.NewBytesFile([]byte("small"))),
			files.FileEntry("big", files.NewReaderFile(newGenerated(1, size, halfway))),
		})
		params := api.DefaultAddParams()
		params.Wrap, params.Progress = true, true
		out := make(chan *api.AddedOutput)
		var wg sync.WaitGroup
		wg.Go(func() {
			var last uint64
			for o := range out {
				if o.Cid.Defined() {
					nodes = append(nodes, fmt.Sprintln(o.Name, o.Cid, o.Size))
					last = 0
					continue
				}
				if o.Bytes < last {
					t.Errorf("progress of %s went back from %d to %d", o.Name, last, o.Bytes)
				}
				last = o.Bytes
			}
		})
		if err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(dir, true, false), params, out); err != nil {
			t.Error(err)
		}
		wg.Wait()
		return nodes
	}
	cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithReplayDir(t.TempDir()))
	var stopped sync.WaitGroup
	disturbed := add(c, func() { stopped.Go(cluster.Peer(0).Stop) })
	stopped.Wait()
	if n := cluster.Peer(1).Count("POST /add"); n != 1 {
		t.Errorf("the second peer got %d adds", n)
	}
	if undisturbed := add(c, nil); !slices.Equal(disturbed, undisturbed) || len(disturbed) != 3 {
		t.Errorf("outputs\n%s, want\n%s", disturbed, undisturbed)
	}
}

// The same holds for an add of paths, which are walked and opened again.
func TestPeerKilledDuringAdd(t *testing.T) {
	root := filepath.Join(t.TempDir(), "site")
	for i := range 20 {
		dir := filepath.Join(root, fmt.Sprint("d", i%3))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		content := bytes.Repeat([]byte{byte(i)}, i*100_000)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("f", i)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}} {
		t.Run(fmt.Sprintf("%T", s), func(t *testing.T) {
			cluster, c := newCluster(t, s)
			add := func(at func(n int)) (nodes []string) {
				params := api.DefaultAddParams()
				params.Recursive = true
				out := make(chan *api.AddedOutput)
				var wg sync.WaitGroup
				wg.Go(func() {
					for o := range out {
						nodes = append(nodes, fmt.Sprintln(o.Name, o.Cid, o.Size))
						at(len(nodes))
					}
				})
				if err := c.Add(t.Context(), []string{root}, params, out); err != nil {
					t.Error(err)
				}
				wg.Wait()
				return nodes
			}
			disturbed := add(func(n int) {
				if n == 7 {
					cluster.Peer(0).Stop()
				}
			})
			if undisturbed := add(func(int) {}); !slices.Equal(disturbed, undisturbed) || len(disturbed) != 24 {
				t.Errorf("outputs\n%s, want\n%s", disturbed, undisturbed)
			}
		})
	}
}

// An add at a peer whose IPFS daemon is down is repeated at another peer.
func TestAddWithIPFSDown(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{})
	cluster.Peer(0).StopIPFS()
	params := api.DefaultAddParams()
	params.Local = true // the blocks go to the contacted peer only
	dir := files.NewMapDirectory(map[string]files.Node{"f": files.NewBytesFile([]byte("hello"))})
	out := make(chan *api.AddedOutput, 10)
	if err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(dir, true, false), params, out); err != nil {
		t.Fatal(err)
	}
	if o := <-out; o == nil || o.Cid.String() != "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX" {
		t.Errorf("got %+v", o)
	}
	if cluster.Peer(0).Count("POST /add") != 1 || cluster.Peer(1).Count("POST /add") != 1 {
		t.Error("the add was not sent to the second peer after the first")
	}
}

// U1, with a real server, which cannot tell a half-sent body from a short one.
func TestU1UploadCut(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutUpload(1 << 20)})
	dir := files.NewSliceDirectory([]files.DirEntry{
		files.FileEntry("a", files.NewReaderFile(newGenerated(1, 8<<20, nil))),
		files.FileEntry("b", files.NewBytesFile([]byte("b"))),
	})
	params := api.DefaultAddParams()
	params.Wrap = true
	out := make(chan *api.AddedOutput, 10)
	if err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(dir, true, false), params, out); err != nil {
		t.Fatal(err)
	}
	var names []string
	for o := range out {
		names = append(names, o.Name)
	}
	if !slices.Equal(names, []string{"a", "b", ""}) {
		t.Errorf("added %q", names)
	}
}

// U7, U37: a call whose context has ended returns, and leaves nothing running, even if its
// consumer has stopped reading or its source blocks.
func TestU37CancelledAdds(t *testing.T) {
	for name, source := range map[string]func(stop <-chan struct{}) io.Reader{
		"consumer": func(<-chan struct{}) io.Reader { return newGenerated(1, 4<<20, nil) },
		"source": func(stop <-chan struct{}) io.Reader {
			return io.MultiReader(newGenerated(1, 1<<20, nil), blocked(stop))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, c := newCluster(t, &strategy.RoundRobin{})
			stop := make(chan struct{})
			defer close(stop)
			for range 6 {
				ctx, cancel := context.WithCancel(t.Context())
				dir := files.NewSliceDirectory([]files.DirEntry{
					files.FileEntry("a", files.NewBytesFile([]byte("a"))),
					files.FileEntry("b", files.NewReaderFile(source(stop))),
				})
				params := api.DefaultAddParams()
				params.Wrap, params.Progress = true, true
				out := make(chan *api.AddedOutput)
				done := make(chan error)
				go func() { done <- c.AddMultiFile(ctx, files.NewMultiFileReader(dir, true, false), params, out) }()
				<-out // the add has started
				cancel()
				select {
				case err := <-done:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("got %v, want cancelled", err)
					}
				case <-time.After(30 * time.Second):
					t.Fatal("the call hangs")
				}
			}
		})
	}
}

// blocked is a source whose Read blocks until it is closed.
type blocked <-chan struct{}

func (b blocked) Read([]byte) (int, error) {
	<-b
	return 0, io.EOF
}
