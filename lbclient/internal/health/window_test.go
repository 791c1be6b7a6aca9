package health

import (
	"sync"
	"testing"
	"time"
)

// The window counts the events of concurrent goroutines.
func TestWindowConcurrently(t *testing.T) {
	w := NewWindow(10)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 10000 {
				w.Add(time.Duration(i)*time.Millisecond/2, 1, uint64(i%2))
			}
		})
	}
	wg.Wait()
	if n, marked := w.Sum(5*time.Second, 10); n != 80000 || marked != 40000 {
		t.Errorf("%d, %d", n, marked)
	}
}
