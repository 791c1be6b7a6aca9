package field

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// An upload is a shape on disk, and what a cluster reports when it is added
// without a proxy.
type upload struct {
	shape
	paths []string
	want  []string
	root  cid.Cid
}

// prepare writes the shapes and adds each to a cluster without a proxy.
func prepare(t *testing.T, shapes []shape) []*upload {
	t.Helper()
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	c := openers()[0].open(t, direct(cluster))
	var uploads []*upload
	for _, s := range shapes {
		up := &upload{shape: s, paths: s.write(t)}
		outputs, err := add(t, c, methods()[0], up)
		if err != nil {
			t.Fatalf("%s without a proxy: %v", s.name, err)
		}
		up.want, up.root = nodes(outputs)
		uploads = append(uploads, up)
	}
	return uploads
}

// nodes returns the name and CID of each output that has a CID, and the root.
func nodes(outputs []*api.AddedOutput) (all []string, root cid.Cid) {
	for _, o := range outputs {
		if o.Cid.Defined() {
			all = append(all, fmt.Sprintf("%q %s", o.Name, o.Cid))
			root = o.Cid.Cid
		}
	}
	return all, root
}

// check returns an error unless the outputs of a successful add are right, and
// the cluster has pinned the root and stored all of its content.
func (up *upload) check(cluster *clustertest.Cluster, outputs []*api.AddedOutput) error {
	got, root := nodes(outputs)
	var errs []error
	if root != up.root {
		errs = append(errs, fmt.Errorf("the root is %s, must be %s", root, up.root))
	}
	if !slices.Equal(got, up.want) {
		errs = append(errs, fmt.Errorf("%d outputs that differ from the %d that are right", len(got), len(up.want)))
	}
	pinned := slices.ContainsFunc(cluster.Pinset(), func(p api.Pin) bool { return p.Cid.Cid.Equals(up.root) })
	if !pinned {
		errs = append(errs, fmt.Errorf("%s is not pinned", up.root))
	}
	if err := cluster.CheckStored(up.root); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// clean removes all pins and blocks, and returns the number of pins of other
// roots.
func (up *upload) clean(t *testing.T, cluster *clustertest.Cluster) (strays int) {
	t.Helper()
	c := openers()[0].open(t, direct(cluster))
	for _, p := range cluster.Pinset() {
		if !p.Cid.Cid.Equals(up.root) {
			strays++
		}
		if _, err := c.Unpin(within(t), p.Cid.Cid); err != nil {
			t.Errorf("Unpin: %v", err)
		}
	}
	if _, err := c.RepoGC(within(t), false); err != nil {
		t.Errorf("RepoGC: %v", err)
	}
	return strays
}

// A method is a way to add an upload.
type method struct {
	name string
	add  func(ctx context.Context, t *testing.T, c client.Client, up *upload, out chan<- *api.AddedOutput) error
}

func methods() []method {
	return []method{
		{"Add", func(ctx context.Context, _ *testing.T, c client.Client, up *upload, out chan<- *api.AddedOutput) error {
			return c.Add(ctx, up.paths, up.addParams(), out)
		}},
		{"AddMultiFile", func(ctx context.Context, t *testing.T, c client.Client, up *upload, out chan<- *api.AddedOutput) error {
			params := up.addParams()
			params.Wrap = len(up.paths) > 1 // as Add does
			body := openPaths(t, up.paths)
			defer body.Close()
			return c.AddMultiFile(ctx, files.NewMultiFileReader(body, true, false), params, out)
		}},
	}
}

// add adds an upload and returns the outputs.
func add(t *testing.T, c client.Client, m method, up *upload) ([]*api.AddedOutput, error) {
	t.Helper()
	out := make(chan *api.AddedOutput)
	done := make(chan error, 1)
	ctx := within(t)
	go func() { done <- m.add(ctx, t, c, up, out) }()
	var all []*api.AddedOutput
	for o := range out {
		all = append(all, o)
	}
	return all, <-done
}

// openPaths returns a directory with the files at paths.
func openPaths(t *testing.T, paths []string) files.Directory {
	t.Helper()
	var entries []files.DirEntry
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		node, err := files.NewSerialFile(path, false, info)
		if err != nil {
			t.Error(err)
			continue
		}
		entries = append(entries, files.FileEntry(filepath.Base(path), node))
	}
	return files.NewSliceDirectory(entries)
}

// An opener opens a kind of client.
type opener struct {
	name string
	new  func(cfgs []*config.Config) (client.Client, error)
}

func openers() []opener {
	return []opener{
		{"default", func(cfgs []*config.Config) (client.Client, error) { return client.NewDefaultClient(cfgs[0]) }},
		{"balanced", func(cfgs []*config.Config) (client.Client, error) {
			return lbclient.NewLBClient(&strategy.RoundRobin{}, cfgs, 3)
		}},
	}
}

// open opens a client, which is closed when the test ends.
func (o opener) open(t *testing.T, cfgs []*config.Config) client.Client {
	t.Helper()
	c, err := o.new(cfgs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}
