package hostile

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/internal/hostile"
)

// maxMemory is how much more memory than before a call may take, in bytes,
// garbage included.
const maxMemory = 64 << 20

// The large answers, one call at a time: each ends, and takes little memory.
func TestFloods(t *testing.T) {
	skipIfShort(t)
	watchProcess(t)
	b := newBench(t)
	turn := 0            // every method has its turn with each answer, or with one of the next
	const own = "RepoGC" // has floods of its own, whose elements no other method keeps
	for _, a := range hostile.All() {
		if !a.Flood() {
			continue
		}
		turn++
		var worst uint64
		for i, m := range b.methods {
			if (i+turn)%everyDefault == 0 || m.Name == own {
				worst = max(worst, b.checkMemory(t, a.Name+", "+m.Name, func() { b.checkDefault(t, a, m) }))
			}
			if (i+turn)%everyBalanced == 0 {
				worst = max(worst, b.checkMemory(t, "balanced: "+a.Name+", "+m.Name, func() { b.checkBalancer(t, a, m) }))
			}
		}
		t.Logf("%s: up to %d MiB", a.Name, worst>>20)
	}
}

// checkMemory checks what f takes, and returns it.
func (b *bench) checkMemory(t *testing.T, name string, f func()) uint64 {
	runtime.GC()
	idle := heap()
	stop := make(chan struct{})
	most := make(chan uint64)
	go func() {
		peak := idle
		for {
			select {
			case <-stop:
				most <- peak
				return
			case <-time.After(time.Millisecond):
				peak = max(peak, heap())
			}
		}
	}()
	f()
	close(stop)
	taken := <-most - idle
	if taken > maxMemory {
		t.Errorf("%s: %d MiB of memory", name, taken>>20)
	}
	return taken
}

// heap returns the bytes of all objects, those that are garbage included.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
