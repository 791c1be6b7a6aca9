package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// sink is a server of adds that costs almost nothing. It reads a chunked request to its end,
// sends its answer, and closes the connection as a real server does.
type sink struct {
	net.Listener
	answer []byte
	conns  sync.WaitGroup
}

// reported returns what a server reports of an upload.
func reported(b *testing.B, upload *files.MultiFileReader) []api.AddedOutput {
	b.Helper()
	d, err := files.NewFileFromPartReader(multipart.NewReader(upload, upload.Boundary()), "multipart/form-data")
	if err != nil {
		b.Fatal(err)
	}
	var all noted
	if _, err := unixfs.Import(b.Context(), d, unixfs.Params{HashOnly: true}, &all); err != nil {
		b.Fatal(err)
	}
	return all
}

// noted has the outputs of an import.
type noted []api.AddedOutput

func (n *noted) Put(cid.Cid, []byte) error { return nil }

func (n *noted) Emit(e unixfs.Event) error {
	*n = append(*n, api.AddedOutput{Name: e.Name, Cid: api.NewCid(e.Cid), Size: e.Size})
	return nil
}

// newSink returns a sink that reports these outputs.
func newSink(b *testing.B, outputs []api.AddedOutput) *sink {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &sink{Listener: l}
	var body strings.Builder
	for _, o := range outputs {
		if err := json.NewEncoder(&body).Encode(o); err != nil {
			b.Fatal(err)
		}
	}
	s.answer = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nTrailer: X-Stream-Error\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", body.Len(), body.String())
	s.conns.Go(s.serve)
	b.Cleanup(func() { _ = l.Close(); s.conns.Wait() })
	return s
}

func (s *sink) url() string { return "http://" + s.Addr().String() }

func (s *sink) serve() {
	buf := make([]byte, 256<<10)
	for {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		// A Read may end within the last chunk.
		const end = "\r\n0\r\n\r\n"
		kept := 0
		for {
			n, err := conn.Read(buf[kept:])
			n += kept
			if err != nil || n >= len(end) && string(buf[n-len(end):n]) == end {
				break
			}
			kept = copy(buf, buf[max(0, n-len(end)):n])
		}
		_, _ = conn.Write(s.answer)
		_ = conn.Close()
	}
}

// client returns a client of the sink.
func (s *sink) client(b *testing.B) Client {
	b.Helper()
	c, err := NewDefaultClient(&config.Config{URL: s.url()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// discarding calls add, discards its outputs, and checks their number.
func discarding(b *testing.B, want int, add func(out chan<- *api.AddedOutput) error) {
	out := make(chan *api.AddedOutput, 16)
	counted := make(chan int)
	go func() {
		n := 0
		for range out {
			n++
		}
		counted <- n
	}()
	err := add(out)
	if n := <-counted; err != nil || n != want {
		b.Fatalf("%d outputs, error %v", n, err)
	}
}

// posted uploads body with net/http, and decodes the answer with encoding/json.
func posted(b *testing.B, hc *http.Client, url, contentType string, body io.Reader, want int) {
	resp, err := hc.Post(url, contentType, body)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	n := 0
	for dec := json.NewDecoder(resp.Body); ; n++ {
		var o api.AddedOutput
		if err := dec.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			b.Fatal(err)
		}
	}
	if n != want {
		b.Fatalf("%d outputs", n)
	}
}

// contender is one way to do a benchmark's work.
type contender struct {
	name string
	do   func(b *testing.B)
}

// compare measures each contender alone, for its allocations, and then all of them in turns.
// From the turns it reports each contender's median time relative to the second contender's.
func compare(b *testing.B, size int64, contenders ...contender) {
	for _, c := range contenders {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(size)
			for b.Loop() {
				c.do(b)
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		took := make([][]time.Duration, len(contenders))
		for b.Loop() {
			for i, c := range contenders {
				began := time.Now()
				c.do(b)
				took[i] = append(took[i], time.Since(began))
			}
		}
		medians := make([]float64, len(took))
		for i := range took {
			slices.Sort(took[i])
			medians[i] = float64(took[i][len(took[i])/2])
		}
		for i, c := range contenders {
			b.ReportMetric(medians[i]/medians[1], c.name+"/"+contenders[1].name)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkAddLarge adds one file of 64 MiB. The naive contender posts the bare file, which is
// not a valid add, but about the same number of bytes.
func BenchmarkAddLarge(b *testing.B) {
	const size = 64 << 20
	path := filepath.Join(b.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	s := newSink(b, reported(b, reader(b, path)))
	c := s.client(b)
	hc := &http.Client{Transport: &http.Transport{}}
	compare(b, size,
		contender{"ours", func(b *testing.B) {
			discarding(b, 1, func(out chan<- *api.AddedOutput) error { return c.Add(b.Context(), []string{path}, nil, out) })
		}},
		contender{"post", func(b *testing.B) {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			posted(b, hc, s.url(), "application/octet-stream", f, 1)
		}},
	)
}

// reader returns the IPFS libraries' multipart reader of the file or directory at path.
func reader(b *testing.B, path string) *files.MultiFileReader {
	info, err := os.Lstat(path)
	if err != nil {
		b.Fatal(err)
	}
	node, err := files.NewSerialFile(path, false, info)
	if err != nil {
		b.Fatal(err)
	}
	return files.NewMultiFileReader(files.NewSliceDirectory([]files.DirEntry{files.FileEntry(filepath.Base(path), node)}), true, false)
}

// BenchmarkAddOne adds one file of 4 KiB. Most of the time goes to the connection, which servers
// close after each add.
func BenchmarkAddOne(b *testing.B) {
	const size = 4 << 10
	path := filepath.Join(b.TempDir(), "small")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	s := newSink(b, reported(b, reader(b, path)))
	c := s.client(b)
	hc := &http.Client{Transport: &http.Transport{}}
	compare(b, size,
		contender{"ours", func(b *testing.B) {
			discarding(b, 1, func(out chan<- *api.AddedOutput) error { return c.Add(b.Context(), []string{path}, nil, out) })
		}},
		contender{"naive", func(b *testing.B) {
			r := reader(b, path)
			posted(b, hc, s.url(), "multipart/form-data; boundary="+r.Boundary(), r, 1)
		}},
	)
}

// BenchmarkAddSmall adds a directory of 1,000 files of 4 KiB. The naive contender posts the
// multipart reader of the IPFS libraries.
func BenchmarkAddSmall(b *testing.B) {
	const n, size = 1000, 4 << 10
	dir := filepath.Join(b.TempDir(), "site")
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%04d", i)), make([]byte, size), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s := newSink(b, reported(b, reader(b, dir)))
	c := s.client(b)
	hc := &http.Client{Transport: &http.Transport{}}
	compare(b, n*size,
		contender{"ours", func(b *testing.B) {
			discarding(b, n+1, func(out chan<- *api.AddedOutput) error { return c.Add(b.Context(), []string{dir}, nil, out) })
		}},
		contender{"naive", func(b *testing.B) {
			r := reader(b, dir)
			posted(b, hc, s.url(), "multipart/form-data; boundary="+r.Boundary(), r, n+1)
		}},
		// Our client with the naive contender's reader.
		contender{"multifile", func(b *testing.B) {
			discarding(b, n+1, func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(b.Context(), reader(b, dir), nil, out) })
		}},
	)
}

// BenchmarkAddHuge adds 4 GiB that are generated during the upload, and reports how much the
// heap grows.
func BenchmarkAddHuge(b *testing.B) {
	const size = 4 << 30
	huge := func() *files.MultiFileReader {
		return files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{
			"huge": files.NewReaderFile(io.LimitReader(zeros{}, size)),
		}), true, false)
	}
	c := newSink(b, reported(b, huge())).client(b)
	b.SetBytes(size)
	grown := 0.0
	for b.Loop() {
		r := huge()
		grown = max(grown, growth(func() {
			discarding(b, 1, func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(b.Context(), r, nil, out) })
		}))
	}
	b.ReportMetric(grown/(1<<20), "MiB-heap")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// growth returns the maximum growth of the heap's objects while do runs, in bytes, garbage
// included.
func growth(do func()) float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() float64 {
		metrics.Read(sample)
		return float64(sample[0].Value.Uint64())
	}
	runtime.GC()
	idle, peak := heap(), 0.0
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak = max(peak, heap()-idle)
			case <-stop:
				return
			}
		}
	})
	do()
	close(stop)
	watching.Wait()
	return peak
}
