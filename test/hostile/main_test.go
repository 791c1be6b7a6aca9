// Package hostile sends the answers of internal/hostile to every method of the
// clients, and checks that each call ends with its context, in bounded memory,
// and with the truth: a success only where the answer is one, a typed error of
// bounded, printable text elsewhere, and the good peer's answer where the
// operation may go to another peer.
package hostile

import (
	"bytes"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a call may take to return when its context has ended.
// It is not a figure to be met: a call that hangs never returns.
const patience = 10 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// descriptors returns how many this process has open, 0 if the system does not
// say.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// skipIfShort skips a test that takes long under -short.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("part of about 16,000 calls, which take a minute of processor time")
	}
}

// watchProcess checks at the end of the test that it has left no descriptor,
// and that nothing was written to the log of the process, but for one line of
// net/http, quoted, about bytes behind an answer: nothing can keep it from that.
func watchProcess(t *testing.T) {
	var logged syncBuffer
	log.SetOutput(&logged)
	before := descriptors()
	t.Cleanup(func() {
		log.SetOutput(os.Stderr)
		for line := range strings.Lines(logged.String()) {
			if !strings.Contains(line, "Unsolicited response received on idle HTTP channel starting with \"") {
				t.Errorf("written to the log of the process: %.1000q", line)
			}
		}
		// Servers close their side of real connections a moment later.
		for deadline := time.Now().Add(patience); descriptors() > before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d descriptors, %d before", descriptors(), before)
				return
			}
		}
	})
}

// syncBuffer is a buffer that can be written to at any time.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
