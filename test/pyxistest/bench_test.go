package pyxistest_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// BenchmarkPipelinedReads measures the server without a client: it sends
// requests encoded in advance over one loopback connection and does not decode
// the answers.
func BenchmarkPipelinedReads(b *testing.B) {
	c := pyxistest.New(b, pyxistest.Options{})
	if err := c.Create("/a", make([]byte, 100)); err != nil {
		b.Fatal(err)
	}
	cl := join(b, c, 2*time.Minute)
	const batch = 64
	var raw []byte
	for i := range batch {
		req := read("/a")
		req.Xid = proto.Uint64(uint64(1000 + i))
		raw = append(raw, cl.frame(req)...)
	}
	frames := pyxiswire.NewReader(cl.nc, 0)
	for b.Loop() {
		cl.write(raw)
		for range batch {
			if _, err := frames.Next(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "reads/s")
}
