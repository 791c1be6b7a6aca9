package client

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// namesOf returns the names of outputs.
func namesOf(outputs []*api.AddedOutput) (names []string) {
	for _, o := range outputs {
		names = append(names, o.Name)
	}
	return names
}

// The root of each way to add is what the cluster has pinned, and the outputs do not
// contain reports of progress.
func TestAddedRootIsPinned(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	dir := tree(t, map[string]string{"a": "first", "d/b": "second"})
	a, d := filepath.Join(dir, "a"), filepath.Join(dir, "d")
	ctx := t.Context()
	progress, wrap, car := api.DefaultAddParams(), api.DefaultAddParams(), api.DefaultAddParams()
	progress.Progress, wrap.Wrap, car.Format = true, true, "car"
	for name, test := range map[string]struct {
		add  func() (*Added, error)
		want []string
	}{
		"reader":          {func() (*Added, error) { return AddReader(ctx, c, "r", strings.NewReader("hello"), nil) }, []string{"r"}},
		"bytes":           {func() (*Added, error) { return AddBytes(ctx, c, "r", []byte("hello, bytes"), nil) }, []string{"r"}},
		"nothing":         {func() (*Added, error) { return AddBytes(ctx, c, "r", nil, nil) }, []string{"r"}},
		"progress":        {func() (*Added, error) { return AddBytes(ctx, c, "r", []byte("other"), progress) }, []string{"r"}},
		"wrapped":         {func() (*Added, error) { return AddBytes(ctx, c, "r", []byte("hello"), wrap) }, []string{"r", ""}},
		"CAR":             {func() (*Added, error) { return AddBytes(ctx, c, "x.car", []byte(helloCAR()), car) }, []string{"x.car"}},
		"path":            {func() (*Added, error) { return AddPaths(ctx, c, []string{d}, nil) }, []string{"d/b", "d"}},
		"paths":           {func() (*Added, error) { return AddPaths(ctx, c, []string{a, d}, nil) }, []string{"a", "d/b", "d", ""}},
		"file system":     {func() (*Added, error) { return AddFS(ctx, c, "site", os.DirFS(dir), nil) }, []string{"site/a", "site/d/b", "site/d", "site"}},
		"wrapped FS":      {func() (*Added, error) { return AddFS(ctx, c, "site", os.DirFS(d), wrap) }, []string{"site/b", "site", ""}},
		"empty FS":        {func() (*Added, error) { return AddFS(ctx, c, "site", fstest.MapFS{}, nil) }, []string{"site"}},
		"one thing twice": {func() (*Added, error) { return AddPaths(ctx, c, []string{a}, nil) }, []string{"a"}},
	} {
		added, err := test.add()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := namesOf(added.Outputs); !slices.Equal(got, test.want) {
			t.Errorf("%s: outputs %q, want %q", name, got, test.want)
		}
		if pin, err := c.Allocation(ctx, added.Root); err != nil || pin.Type != api.DataType {
			t.Errorf("%s: the root %s is not pinned: %v", name, added.Root, err)
		}
	}
}

// The reports of a sharded add do not show its root: the last one is the list of the
// shards.
func TestAddedRootOfShards(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	params := api.DefaultAddParams()
	params.Shard = true
	added, err := AddBytes(t.Context(), c, "a", []byte("hello"), params)
	if err != nil || added.Root.Defined() || len(added.Outputs) < 2 {
		t.Errorf("%+v, %v", added, err)
	}
}

// A failed add has no result, and what cannot be added is refused with a reason.
func TestAddedErrors(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	ctx := t.Context()
	car, noCopy := api.DefaultAddParams(), api.DefaultAddParams()
	car.Format, noCopy.NoCopy = "car", true
	some := fstest.MapFS{"a": &fstest.MapFile{Data: []byte("hello")}}
	for name, test := range map[string]struct {
		add  func() (*Added, error)
		want string
	}{
		"no name":         {func() (*Added, error) { return AddBytes(ctx, c, "", nil, nil) }, `"" is not the name of a file`},
		"slashes":         {func() (*Added, error) { return AddReader(ctx, c, "a/b", strings.NewReader(""), nil) }, `"a/b" is not the name`},
		"parent":          {func() (*Added, error) { return AddFS(ctx, c, "..", some, nil) }, `".." is not the name`},
		"no reader":       {func() (*Added, error) { return AddReader(ctx, c, "a", nil, nil) }, "no reader"},
		"nil reader":      {func() (*Added, error) { return AddReader(ctx, c, "a", (*strings.Reader)(nil), nil) }, "no reader"},
		"no file system":  {func() (*Added, error) { return AddFS(ctx, c, "a", nil, nil) }, "no file system"},
		"no client":       {func() (*Added, error) { return AddBytes(ctx, nil, "a", nil, nil) }, "no client"},
		"no client, path": {func() (*Added, error) { return AddPaths(ctx, (*defaultClient)(nil), []string{"a"}, nil) }, "no client"},
		"CAR":             {func() (*Added, error) { return AddFS(ctx, c, "a", some, car) }, "not a CAR"},
		"NoCopy":          {func() (*Added, error) { return AddFS(ctx, c, "a", some, noCopy) }, "NoCopy"},
		"nothing":         {func() (*Added, error) { return AddPaths(ctx, c, nil, nil) }, "no paths"},
		"invalid name":    {func() (*Added, error) { return AddFS(ctx, c, "a", strangeFS{entry: "x/y"}, nil) }, `invalid name "x/y"`},
		"irregular": {func() (*Added, error) {
			return AddFS(ctx, c, "a", fstest.MapFS{"d/pipe": {Mode: fs.ModeNamedPipe}}, nil)
		}, "d/pipe is neither a file"},
		"symlink": {func() (*Added, error) { return AddFS(ctx, c, "a", strangeFS{entry: "l", typ: fs.ModeSymlink}, nil) }, "fs.ReadLinkFS"},
	} {
		added, err := test.add()
		if !isInvalid(err) || added != nil {
			t.Errorf("%s: %+v, %v", name, added, err)
			continue
		}
		contains(t, err.Error(), test.want)
	}
	if _, err := AddFS(ctx, c, "a", brokenFS{some}, nil); !errors.Is(err, ErrSource) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that cannot be opened: %v", err)
	}
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.Trailer("no")})
	if added, err := AddBytes(ctx, c, "a", []byte("hello"), nil); err == nil || added != nil {
		t.Errorf("of a failed add: %+v, %v", added, err)
	}
}

// fakeAdder is a Client of a user's own.
type fakeAdder struct {
	Unimplemented
	outputs []*api.AddedOutput
	open    bool // out is not closed
	content *string
}

func (f fakeAdder) AddMultiFile(_ context.Context, r *files.MultiFileReader, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	part, err := multipart.NewReader(r, r.Boundary()).NextPart()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	*f.content = part.FileName() + " " + string(content)
	for _, o := range f.outputs {
		out <- o
	}
	if !f.open {
		close(out)
	}
	return nil
}

// A user's client may forget to close the channel, and may report nothing, which is not
// taken for a success.
func TestAddedOfOtherClients(t *testing.T) {
	var content string
	progress := &api.AddedOutput{Name: "a", Bytes: 5}
	for _, open := range []bool{false, true} {
		outputs := []*api.AddedOutput{nil, progress, {Name: "a", Cid: api.Cid{Cid: cidA}}, progress}
		added, err := AddReader(t.Context(), fakeAdder{outputs: outputs, open: open, content: &content}, "a", strings.NewReader("hello"), nil)
		if err != nil || added.Root != cidA || len(added.Outputs) != 1 || content != "a hello" {
			t.Errorf("%+v of %q, %v", added, content, err)
		}
	}
	_, err := AddReader(t.Context(), fakeAdder{outputs: []*api.AddedOutput{progress}, content: &content}, "a", strings.NewReader(""), nil)
	var e *Error
	if !errors.Is(err, ErrIncomplete) || !errors.As(err, &e) || !e.MayHaveExecuted {
		t.Errorf("without a root: %v", err)
	}
	if _, err := AddBytes(t.Context(), Unimplemented{}, "a", nil, nil); !errors.Is(err, ErrUnimplemented) {
		t.Error(err)
	}
}

// AddReader does not close the reader.
func TestAddReaderDoesNotClose(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := newClient(t, &config.Config{APIAddr: cluster.Peer(0).Addr()})
	f, err := os.Open("testdata/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AddReader(t.Context(), c, "a", f, nil); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// Collect returns either all items or the error.
func TestCollect(t *testing.T) {
	two := func(err error) func(func(*api.Pin, error) bool) {
		return func(yield func(*api.Pin, error) bool) {
			if yield(&api.Pin{Cid: api.Cid{Cid: cidA}}, nil) && err != nil {
				yield(nil, err)
			}
		}
	}
	if pins, err := Collect(two(nil)); err != nil || len(pins) != 1 || pins[0].Cid.Cid != cidA {
		t.Errorf("%v, %v", pins, err)
	}
	if pins, err := Collect(two(errBoom)); err != errBoom || pins != nil {
		t.Errorf("%v, %v", pins, err)
	}
	none := func(func(cid.Cid, error) bool) {}
	if cids, err := Collect(none); err != nil || cids == nil || len(cids) != 0 {
		t.Errorf("%v, %v", cids, err)
	}
}
