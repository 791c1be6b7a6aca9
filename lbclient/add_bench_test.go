package lbclient

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// adders returns a client and a load balancer of a server that discards uploads and
// reports the given number of outputs.
func adders(b *testing.B, outputs int) map[string]client.Client {
	var answer strings.Builder
	for i := range outputs {
		fmt.Fprintf(&answer, "{\"name\":\"site/file-%04d\",\"cid\":%q,\"size\":4107}\n", i, testCid(i))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 256<<10)
		for _, err := r.Body.Read(buf); err == nil; _, err = r.Body.Read(buf) {
		}
		w.Header().Set("Trailer", "X-Stream-Error")
		_, _ = io.WriteString(w, answer.String())
	}))
	b.Cleanup(server.Close)
	cfg := &config.Config{URL: server.URL}
	direct, err := client.NewDefaultClient(cfg)
	if err != nil {
		b.Fatal(err)
	}
	lb, err := NewFromConfigs(&strategy.RoundRobin{}, []*config.Config{cfg}, 3)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _, _ = direct.Close(), lb.Close() })
	return map[string]client.Client{"direct": direct, "balanced": lb}
}

func benchmarkAdd(b *testing.B, outputs int, size int64, add func(c client.Client, out chan<- *api.AddedOutput) error) {
	for name, c := range adders(b, outputs) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(size)
			for b.Loop() {
				out := make(chan *api.AddedOutput, 16)
				go func() {
					for range out {
					}
				}()
				if err := add(c, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAddOutputs adds 1,000 files, directly and through the load balancer. It
// measures the cost of delivering the outputs.
func BenchmarkAddOutputs(b *testing.B) {
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
	benchmarkAdd(b, n+1, n*size, func(c client.Client, out chan<- *api.AddedOutput) error {
		return c.Add(b.Context(), []string{dir}, nil, out)
	})
}

// BenchmarkAddMultiFile adds 64 MiB from a reader that can be read only once,
// directly and through the load balancer, which keeps what it reads.
func BenchmarkAddMultiFile(b *testing.B) {
	const size = 64 << 20
	benchmarkAdd(b, 1, size, func(c client.Client, out chan<- *api.AddedOutput) error {
		return c.AddMultiFile(b.Context(), files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{
			"large": files.NewReaderFile(io.LimitReader(zeros{}, size)),
		}), true, false), nil, out)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
