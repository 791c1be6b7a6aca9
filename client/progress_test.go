package client

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// reports are the reports of an add. They need no lock, because they are not concurrent
// and none comes after the add.
type reports []Progress

// listen returns a context whose adds report to r.
func (r *reports) listen(t *testing.T) context.Context {
	*r = nil
	return WithProgress(t.Context(), func(p Progress) { *r = append(*r, p) })
}

// check fails the test if a report contradicts another one, and returns the last one.
func (r *reports) check(t *testing.T) Progress {
	t.Helper()
	var last Progress
	for i, p := range *r {
		isLast := i == len(*r)-1
		switch again := p.Attempt > last.Attempt; {
		case p.Done != isLast,
			p.Attempt < last.Attempt,
			!again && (p.SentBytes < last.SentBytes || p.SentFiles < last.SentFiles || p.StoredBytes < last.StoredBytes || p.StoredFiles < last.StoredFiles),
			p.StoredBytes > p.SentBytes, p.StoredFiles > p.SentFiles,
			p.TotalFiles > 0 && (p.SentBytes > p.TotalBytes || p.SentFiles > p.TotalFiles):
			t.Errorf("report %d of %d is %+v, after %+v", i+1, len(*r), p, last)
		}
		last = p
	}
	return last
}

// mixed are the files of a tree that has more than one of everything.
var mixed = map[string]string{
	"d/a": strings.Repeat("x", 600<<10), "d/b": "second", "d/empty": "", "d/e/exact": strings.Repeat("y", 256<<10), "d/e/none/": "", "d/.hidden": "no",
}

// mixedTree creates the tree, with a symlink, and returns its directory. It has 5 files
// that are not hidden.
func mixedTree(t *testing.T) (dir string, bytes int64) {
	dir = filepath.Join(tree(t, mixed), "d")
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symlinks:", err)
	}
	return dir, 600<<10 + 6 + 256<<10
}

// Every way to add reports what was sent and stored, streamed and buffered, verified and
// not.
func TestProgressOfEveryAdd(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	dir, bytes := mixedTree(t)
	done := Progress{Attempt: 1, Name: "d/link", SentBytes: bytes, SentFiles: 5, StoredBytes: bytes, StoredFiles: 5, TotalBytes: bytes, TotalFiles: 5, Done: true}
	unknown := done
	unknown.TotalBytes, unknown.TotalFiles = 0, 0
	single := Progress{Attempt: 1, Name: "f", SentBytes: 5, SentFiles: 1, StoredBytes: 5, StoredFiles: 1, TotalBytes: 5, TotalFiles: 1, Done: true}
	for _, cfg := range []config.Config{{}, {BufferedAdds: true}, {SkipVerify: true}} {
		cfg.APIAddr = cluster.Peer(0).Addr()
		c := newClient(t, &cfg)
		for name, test := range map[string]struct {
			add  func(ctx context.Context) error
			want Progress
		}{
			"Add": {func(ctx context.Context) error { return c.Add(ctx, []string{dir}, nil, nil) }, done},
			"AddPaths": {func(ctx context.Context) error {
				return second(AddPaths(ctx, c, []string{dir}, nil))
			}, done},
			"AddFS": {func(ctx context.Context) error {
				return second(AddFS(ctx, c, "d", os.DirFS(dir), nil))
			}, done},
			"AddMultiFile": {func(ctx context.Context) error {
				info, err := os.Lstat(dir)
				if err != nil {
					t.Fatal(err)
				}
				d, err := files.NewSerialFile(dir, false, info)
				if err != nil {
					t.Fatal(err)
				}
				r := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"d": d}), true, false)
				return c.AddMultiFile(ctx, r, nil, nil)
			}, unknown},
			"AddBytes": {func(ctx context.Context) error { return second(AddBytes(ctx, c, "f", []byte("hello"), nil)) }, single},
			"AddReader": {func(ctx context.Context) error {
				return second(AddReader(ctx, c, "f", strings.NewReader("hello"), nil))
			}, single},
		} {
			var got reports
			if err := test.add(got.listen(t)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			last := got.check(t)
			if name == "AddMultiFile" {
				last.Name = test.want.Name // boxo sorts files in another way
			}
			if last != test.want {
				t.Errorf("%s with %v:\n got %+v\nwant %+v", name, cfg, last, test.want)
			}
		}
	}
}

// Several paths are in one directory, whose files have their paths in it as names. The
// name of a CAR is that of its file. Its size is not that of what is sent.
func TestProgressOfOtherUploads(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	dir := tree(t, map[string]string{"a": "first", "d/b": "second", "site.car": helloCAR()})
	car := api.DefaultAddParams()
	car.Format = "car"
	for name, test := range map[string]struct {
		paths  []string
		params *api.AddParams
		want   Progress
	}{
		"paths": {[]string{"a", "d"}, nil, Progress{Name: "d/b", SentBytes: 11, SentFiles: 2, StoredBytes: 11, StoredFiles: 2, TotalBytes: 11, TotalFiles: 2}},
		"car":   {[]string{"site.car"}, car, Progress{Name: "site.car", SentBytes: int64(len(helloCAR())), SentFiles: 1, StoredBytes: int64(len(helloCAR())), StoredFiles: 1}},
	} {
		var paths []string
		for _, p := range test.paths {
			paths = append(paths, filepath.Join(dir, p))
		}
		var got reports
		if err := c.Add(got.listen(t), paths, test.params, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		test.want.Attempt, test.want.Done = 1, true
		if last := got.check(t); last != test.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, last, test.want)
		}
	}
}

// An add that was damaged on the way is sent a second time.
func TestProgressOfARepeatedAdd(t *testing.T) {
	server := httptest.NewServer(&halfDuplex{})
	defer server.Close()
	c := newClient(t, &config.Config{URL: server.URL})
	dir, bytes := mixedTree(t)
	var got reports
	if _, err := AddFS(got.listen(t), c, "d", os.DirFS(dir), nil); err != nil {
		t.Fatal(err)
	}
	if last := got.check(t); last.Attempt != 2 || last.StoredBytes != bytes || last.StoredFiles != 5 || last.TotalBytes != bytes {
		t.Errorf("the last report is %+v", last)
	}
}

// The last report also comes after a failure.
func TestProgressOfAFailedAdd(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.ErrorAnswer(500, "no")})
	dir, bytes := mixedTree(t)
	var got reports
	if _, err := AddPaths(got.listen(t), c, []string{dir}, nil); err == nil {
		t.Error("no error")
	}
	if last := got.check(t); !last.Done || last.TotalBytes != bytes || last.StoredFiles != 0 {
		t.Errorf("the last report is %+v", last)
	}
	if _, err := AddPaths(got.listen(t), c, []string{filepath.Join(dir, "missing")}, nil); !errors.Is(err, ErrSource) || len(got) != 0 {
		t.Errorf("%v, and reports %+v", err, got)
	}
}

// A nil report is none, and ends an earlier one.
func TestNoProgress(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	var got reports
	if _, err := AddBytes(WithProgress(got.listen(t), nil), c, "f", []byte("hello"), nil); err != nil || len(got) > 0 {
		t.Errorf("%v, and reports %+v", err, got)
	}
}

// A panic of report reaches the caller of the add, wherever it begins, and nothing else
// happens. A slow report delays the add, so that the next one is due.
func TestProgressPanics(t *testing.T) {
	for name, at := range map[string]func(Progress) bool{
		"sent":   func(p Progress) bool { return p.SentBytes > 0 },
		"stored": func(p Progress) bool { return p.StoredFiles > 0 && !p.Done },
		"end":    func(p Progress) bool { return p.Done },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := overPipes(t, config.Config{}, (&adder{}).ServeHTTP)
				calls := 0
				ctx := WithProgress(t.Context(), func(p Progress) {
					time.Sleep(time.Second)
					if at(p) {
						calls++
						panic(errBoom)
					}
				})
				out := make(chan *api.AddedOutput, 10)
				panicOf(t, func() { _ = c.AddMultiFile(ctx, multiFile("a", "hello"), nil, out) })
				for range out { // it must end
				}
				if calls != 1 {
					t.Errorf("%d calls", calls)
				}
				if n := len(c.life.calls); n != 0 {
					t.Errorf("%d exchanges are open", n)
				}
			})
		})
	}
}

// What a reader still holds is known if it says so.
func TestSizeOfReaders(t *testing.T) {
	path := filepath.Join(tree(t, map[string]string{"a": "0123456789"}), "a")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	half := strings.NewReader("0123456789")
	if _, err := io.ReadFull(half, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		r    io.Reader
		want int64
	}{
		"file": {f, 6}, "directory": {dir, 0}, "reader": {half, 5}, "other": {io.MultiReader(half), 0},
	} {
		if n, bytes := sizeOf(test.r); bytes != test.want || (n == 1) != (bytes > 0) {
			t.Errorf("%s: %d files with %d bytes", name, n, bytes)
		}
	}
}
