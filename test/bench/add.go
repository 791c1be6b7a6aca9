package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/naive"
)

const (
	largeFile  = 64 << 20
	smallFiles = 1_000
	smallFile  = 4 << 10
	hugeFile   = 4 << 30
)

// adding is our client of a sink that accepts adds and reports n files.
type adding struct {
	client.Client
	*sink
	dir string
}

func newAdding(n int) (*adding, error) {
	docs, err := newDocuments()
	if err != nil {
		return nil, err
	}
	outputs, err := docs.added(n)
	if err != nil {
		return nil, err
	}
	a := &adding{}
	if a.sink, err = serve(streaming(outputs, 1)); err != nil {
		return nil, err
	}
	if a.dir, err = os.MkdirTemp("", "pinfleet-bench-"); err != nil {
		return nil, err
	}
	a.Client, err = a.sink.client()
	return a, err
}

func (a *adding) close() {
	a.Client.Close()
	a.sink.close()
	os.RemoveAll(a.dir)
}

// add adds path and checks the number of files that the server reports.
func (a *adding) add(ctx context.Context, path string, want int) error {
	return outputs(want, func(out chan<- *api.AddedOutput) error {
		return a.Add(ctx, []string{path}, api.DefaultAddParams(), out)
	})
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
	a, err := newAdding(1)
	if err != nil {
		return err
	}
	defer a.close()
	path := filepath.Join(a.dir, "large")
	if err := os.WriteFile(path, noise(largeFile), 0o600); err != nil {
		return err
	}
	r.often = 3
	r.work(largeFile>>20, "a MiB")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return a.add(ctx, path, 1) }},
		contender{"floor", func(context.Context) error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			return getAll(http.Post(a.url+"/add", "application/octet-stream", f))
		}},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_floor"] = r.each(standings[1]) / r.each(standings[0])
	return nil
}

func addSmall(ctx context.Context, r *report) error {
	a, err := newAdding(smallFiles)
	if err != nil {
		return err
	}
	defer a.close()
	tree := filepath.Join(a.dir, "tree")
	if err := os.Mkdir(tree, 0o700); err != nil {
		return err
	}
	content := noise(smallFiles * smallFile)
	for i := range smallFiles {
		if err := os.WriteFile(filepath.Join(tree, fmt.Sprintf("%04d", i)), content[i*smallFile:][:smallFile], 0o600); err != nil {
			return err
		}
	}
	r.often = 3
	r.work(smallFiles, "a file")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return a.add(ctx, tree, smallFiles) }},
		contender{"naive", func(context.Context) error { return naiveAdd(a.url+"/add", tree) }},
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

// naiveAdd uploads a directory. The body is that of boxo's readers, unchanged.
func naiveAdd(url, tree string) error {
	info, err := os.Lstat(tree)
	if err != nil {
		return err
	}
	node, err := files.NewSerialFile(tree, false, info)
	if err != nil {
		return err
	}
	body := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{filepath.Base(tree): node}), true, false)
	contentType := mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": body.Boundary()})
	n, err := naiveStream[naive.Output](http.Post(url, contentType, body))
	return complete(n, smallFiles, err)
}

func addHuge(ctx context.Context, r *report) error {
	a, err := newAdding(1)
	if err != nil {
		return err
	}
	defer a.close()
	r.values["peak_mb"], err = peak(ctx, func(ctx context.Context) error {
		node := files.NewReaderFile(io.LimitReader(&endless{block: noise(piece)}, hugeFile))
		body := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"huge": node}), true, false)
		return outputs(1, func(out chan<- *api.AddedOutput) error {
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
