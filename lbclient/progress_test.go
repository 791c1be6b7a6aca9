package lbclient_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// Every way to add goes on at another peer when one breaks off in the middle, and gives
// the same file. Its progress begins anew with each attempt, and says so. Only what is
// read from a reader is kept: a file system is opened again, even if nothing may be kept.
func TestAddsAreReplayedWithProgress(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	want := cid.MustParse("QmScpVdKpprwme9X2MVBzNKYfDVqRaYu9ZHsdNfXN9YgER") // in chunks of 256 KiB
	type add func(ctx context.Context, c client.Client) (*client.Added, error)
	for name, test := range map[string]struct {
		keep int64 // limit for replays
		add  add
		// total is 0 if it is not known.
		total int64
	}{
		"AddReader": {1 << 30, func(ctx context.Context, c client.Client) (*client.Added, error) {
			return client.AddReader(ctx, c, "f", bytes.NewReader(content), nil)
		}, 2 << 20},
		"AddMultiFile": {1 << 30, func(ctx context.Context, c client.Client) (*client.Added, error) {
			body := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"f": files.NewBytesFile(content)}), true, false)
			return collected(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(ctx, body, nil, out) })
		}, 0},
		"AddBytes": {0, func(ctx context.Context, c client.Client) (*client.Added, error) {
			return client.AddBytes(ctx, c, "f", content, nil)
		}, 2 << 20},
		"AddPaths": {0, func(ctx context.Context, c client.Client) (*client.Added, error) {
			return client.AddPaths(ctx, c, []string{path}, nil)
		}, 2 << 20},
		"Add": {0, func(ctx context.Context, c client.Client) (*client.Added, error) {
			return collected(func(out chan<- *api.AddedOutput) error { return c.Add(ctx, []string{path}, nil, out) })
		}, 2 << 20},
		"AddFS": {0, func(ctx context.Context, c client.Client) (*client.Added, error) {
			return client.AddFS(ctx, c, "d", fstest.MapFS{"f": {Data: content}}, nil)
		}, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithReplayLimit(test.keep, test.keep))
			for i := range 2 {
				cluster.Peer(i).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutUpload(1 << 20)})
			}
			var reports []client.Progress
			ctx := client.WithProgress(t.Context(), func(p client.Progress) { reports = append(reports, p) })
			added, err := test.add(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			if got := added.Outputs[0].Cid.Cid; !got.Equals(want) {
				t.Errorf("the file is %s, want %s", got, want)
			}
			if _, err := c.Allocation(t.Context(), added.Root); err != nil {
				t.Errorf("the root is not pinned: %v", err)
			}
			var last client.Progress
			for _, p := range reports {
				if p.Attempt < last.Attempt || p.Attempt == last.Attempt && p.SentBytes < last.SentBytes || p.SentBytes > 2<<20 || last.Done {
					t.Errorf("%+v after %+v", p, last)
				}
				last = p
			}
			if !last.Done || last.Attempt != 3 || last.SentBytes != 2<<20 || last.StoredBytes != 2<<20 || last.StoredFiles != 1 || last.TotalBytes != test.total {
				t.Errorf("the last of %d reports is %+v", len(reports), last)
			}
		})
	}
}

// collected makes an add and returns its outputs as package client does.
func collected(add func(out chan<- *api.AddedOutput) error) (*client.Added, error) {
	out := make(chan *api.AddedOutput, 10)
	err := add(out)
	var added client.Added
	for o := range out {
		added.Outputs = append(added.Outputs, o)
		added.Root = o.Cid.Cid
	}
	return &added, err
}

// A reader whose bytes are too many to keep fails with the reason.
func TestAddReaderPastTheBound(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{}, lbclient.WithReplayLimit(0, 1<<16))
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.CutUpload(1 << 20)})
	r := io.LimitReader(zeros{}, 4<<20)
	if added, err := client.AddReader(t.Context(), c, "f", r, nil); !errors.Is(err, client.ErrBodyNotReplayable) || added != nil {
		t.Errorf("%+v, %v", added, err)
	}
}

// onlyReader is a client that does not implement client.BodyAdder.
type onlyReader struct{ client.Client }

// A load balancer of clients that cannot add a body adds in one line, too.
func TestOneLineAddsOverOtherClients(t *testing.T) {
	cluster, c := newCluster(t, &strategy.Failover{})
	other, err := lbclient.New(&strategy.Failover{}, []client.Client{onlyReader{c}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var last client.Progress
	ctx := client.WithProgress(t.Context(), func(p client.Progress) { last = p })
	for name, add := range map[string]func() (*client.Added, error){
		"AddBytes": func() (*client.Added, error) { return client.AddBytes(ctx, other, "f", []byte("hello"), nil) },
		"AddReader": func() (*client.Added, error) {
			return client.AddReader(ctx, other, "f", bytes.NewReader([]byte("hello")), nil)
		},
		"AddFS": func() (*client.Added, error) {
			return client.AddFS(ctx, other, "d", fstest.MapFS{"f": {Data: []byte("hello")}}, nil)
		},
	} {
		added, err := add()
		if err != nil || added.Outputs[0].Cid.String() != "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX" {
			t.Errorf("%s: %+v, %v", name, added, err)
		}
		if !last.Done || last.Attempt != 1 || last.StoredBytes != 5 || last.TotalBytes != 5 {
			t.Errorf("%s: %+v", name, last)
		}
	}
	if n := len(cluster.Pinset()); n != 2 {
		t.Errorf("%d pins", n)
	}
}

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A panic of the report reaches the caller, and counts against no peer.
func TestPanicOfAReport(t *testing.T) {
	_, c := newCluster(t, &strategy.Failover{})
	boom := errors.New("boom")
	ctx := client.WithProgress(t.Context(), func(client.Progress) { panic(boom) })
	func() {
		defer func() {
			if err, ok := recover().(error); !ok || !errors.Is(err, boom) {
				t.Errorf("recovered %v", err)
			}
		}()
		_, _ = client.AddBytes(ctx, c, "f", []byte("hello"), nil)
	}()
	for _, e := range c.(*lbclient.Client).Endpoints() {
		if len(e.Failures) > 0 || e.State != lbclient.Admitted {
			t.Errorf("%+v", e)
		}
	}
	if added, err := client.AddBytes(t.Context(), c, "f", []byte("hello"), nil); err != nil || added.Root != cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX") {
		t.Errorf("%+v, %v", added, err)
	}
}
