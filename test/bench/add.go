package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/naive"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

const (
	largeFile  = 64 << 20
	smallFiles = 1_000
	smallFile  = 4 << 10
	hugeFile   = 4 << 30
)

// adding has clients of a sink that accepts adds of one upload, and reports what a
// cluster peer would report of it.
type adding struct {
	client.Client
	unverified client.Client // does not verify the report
	*sink
	n int // number of outputs
}

// newAdding returns clients of a sink that serve starts with the report.
func newAdding(upload files.Directory, serve func(report []byte) (*sink, error)) (*adding, error) {
	a := &adding{}
	report, err := a.report(upload)
	if err != nil {
		return nil, err
	}
	if a.sink, err = serve(report); err != nil {
		return nil, err
	}
	cfg, err := a.sink.config()
	if err != nil {
		return nil, err
	}
	if a.Client, err = client.NewDefaultClient(cfg); err != nil {
		return nil, err
	}
	cfg.SkipVerify = true
	a.unverified, err = client.NewDefaultClient(cfg)
	return a, err
}

// report returns the report of an add of upload, and counts its outputs.
func (a *adding) report(upload files.Directory) ([]byte, error) {
	sent := &answered{}
	_, err := unixfs.Import(context.Background(), upload, unixfs.Params{HashOnly: true}, sent)
	a.n = sent.n
	return sent.text.Bytes(), err
}

func (a *adding) close() {
	a.Client.Close()
	a.unverified.Close()
	a.sink.close()
}

// add adds path and checks the number of outputs.
func (a *adding) add(ctx context.Context, c client.Client, path string) error {
	return outputs(a.n, func(out chan<- *api.AddedOutput) error {
		return c.Add(ctx, []string{path}, api.DefaultAddParams(), out)
	})
}

// answered writes the events of an import as a peer does.
type answered struct {
	text bytes.Buffer
	n    int
}

func (*answered) Put(cid.Cid, []byte) error { return nil }

func (a *answered) Emit(e unixfs.Event) error {
	a.n++
	return json.NewEncoder(&a.text).Encode(api.AddedOutput{Name: e.Name, Cid: api.NewCid(e.Cid), Size: e.Size})
}

// serveReport starts an HTTP server that reads an upload and sends the report.
func serveReport(report []byte) (*sink, error) { return serve(streaming(report, 1)) }

// planted returns the path of a file or directory in a new directory.
func planted(name string) (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "pinfleet-bench-")
	return filepath.Join(dir, name), func() { os.RemoveAll(dir) }, err
}

// tree returns the upload of a file or directory.
func tree(path string) (files.Directory, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	node, err := files.NewSerialFile(path, false, info)
	if err != nil {
		return nil, err
	}
	return files.NewMapDirectory(map[string]files.Node{filepath.Base(path): node}), nil
}

func outputs(want int, add func(chan<- *api.AddedOutput) error) error {
	out, n := make(chan *api.AddedOutput, 64), make(chan int)
	go func() {
		got := 0
		for range out {
			got++
		}
		n <- got
	}()
	err := add(out)
	return complete(<-n, want, err)
}

func addLarge(ctx context.Context, r *report) error {
	path, remove, err := planted("large")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.WriteFile(path, noise(largeFile), 0o600); err != nil {
		return err
	}
	a, err := addingPath(path, serveReport)
	if err != nil {
		return err
	}
	defer a.close()
	r.often = 3
	r.work(largeFile>>20, "a MiB")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return a.add(ctx, a.Client, path) }},
		contender{"floor", func(context.Context) error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			return getAll(http.Post(a.url+"/add", "application/octet-stream", f))
		}},
		contender{"unverified", func(ctx context.Context) error { return a.add(ctx, a.unverified, path) }},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_floor"] = r.each(standings[1]) / r.each(standings[0])
	r.values["verify_cost"] = r.each(standings[0]) / r.each(standings[2])
	return nil
}

// addingPath returns clients for adds of path.
func addingPath(path string, serve func(report []byte) (*sink, error)) (*adding, error) {
	upload, err := tree(path)
	if err != nil {
		return nil, err
	}
	return newAdding(upload, serve)
}

func addSmall(ctx context.Context, r *report) error {
	path, remove, err := planted("tree")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	content := noise(smallFiles * smallFile)
	for i := range smallFiles {
		if err := os.WriteFile(filepath.Join(path, fmt.Sprintf("%04d", i)), content[i*smallFile:][:smallFile], 0o600); err != nil {
			return err
		}
	}
	a, err := addingPath(path, serveReport)
	if err != nil {
		return err
	}
	defer a.close()
	r.often = 3
	r.work(smallFiles, "a file")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return a.add(ctx, a.Client, path) }},
		contender{"naive", func(context.Context) error { return naiveAdd(a.url+"/add", path) }},
		contender{"unverified", func(ctx context.Context) error { return a.add(ctx, a.unverified, path) }},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_naive"] = r.each(standings[0]) / r.each(standings[1])
	r.values["allocs"] = standings[0].median.allocs / r.units
	r.values["naive_allocs"] = standings[1].median.allocs / r.units
	return nil
}

func addOne(ctx context.Context, r *report) error {
	path, remove, err := planted("one")
	if err != nil {
		return err
	}
	defer remove()
	if err := os.WriteFile(path, noise(smallFile), 0o600); err != nil {
		return err
	}
	a, err := addingPath(path, serveRawAdds)
	if err != nil {
		return err
	}
	defer a.close()
	const adds = 50
	r.work(adds, "an add")
	standings, err := r.race(ctx, contender{"ours", func(ctx context.Context) error {
		for range adds {
			if err := a.add(ctx, a.Client, path); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		return err
	}
	r.keep()
	r.values["alloc_kb"] = standings[0].median.bytes / r.units / 1e3
	return nil
}

// naiveAdd uploads a directory. The body is that of boxo's readers, unchanged.
func naiveAdd(url, path string) error {
	upload, err := tree(path)
	if err != nil {
		return err
	}
	body := files.NewMultiFileReader(upload, true, false)
	contentType := mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": body.Boundary()})
	n, err := naiveStream[naive.Output](http.Post(url, contentType, body))
	return complete(n, smallFiles+1, err)
}

func addHuge(ctx context.Context, r *report) error {
	huge := func() files.Directory {
		node := files.NewReaderFile(io.LimitReader(&endless{block: noise(piece)}, hugeFile))
		return files.NewMapDirectory(map[string]files.Node{"huge": node})
	}
	a, err := newAdding(huge(), serveReport)
	if err != nil {
		return err
	}
	defer a.close()
	r.values["peak_mb"], err = peak(ctx, func(ctx context.Context) error {
		body := files.NewMultiFileReader(huge(), true, false)
		return outputs(a.n, func(out chan<- *api.AddedOutput) error {
			return a.AddMultiFile(ctx, body, api.DefaultAddParams(), out)
		})
	})
	return err
}

// endless is a reader that repeats a block without end.
type endless struct {
	block []byte
	rest  bytes.Reader
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest.Len() == 0 {
		e.rest.Reset(e.block)
	}
	return e.rest.Read(p)
}
