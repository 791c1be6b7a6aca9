// Package bars shows the progress of an add in a terminal.
package bars

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pinfleet/pinfleet/client"
)

// refreshRate is the time between two drawings of the bar.
const refreshRate = 100 * time.Millisecond

// Bar is the last line of a terminal, with the progress of an add. It is safe for
// concurrent use.
type Bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	now      func() time.Time

	mu   sync.Mutex
	line line
	rate rate
}

// New shows a bar in the terminal. The caller must call Close.
func New(terminal *os.File, now func() time.Time) (*Bar, error) {
	console := cupwriter.New(fromLeft{terminal}, false)
	console.SetTermFd(int(terminal.Fd()))
	b := &Bar{progress: mpb.New(mpb.WithConsoleWriter(console), mpb.WithRefreshRate(refreshRate)), now: now}
	var err error
	b.bar, err = b.progress.Add(0, mpb.BarFillerFunc(b.draw), mpb.BarFillerTrim(), mpb.BarRemoveOnComplete())
	return b, err
}

// fromLeft makes each write begin at the left edge. Without it, the echo of a key such as
// Ctrl-C would move the cursor, and what is left of it would not be erased.
type fromLeft struct{ io.Writer }

func (w fromLeft) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(append([]byte("\r"), b...))
	return max(0, n-1), err
}

// draw writes the line.
func (b *Bar) draw(w io.Writer, s decor.Statistics) error {
	b.mu.Lock()
	text := b.line.text(s.AvailableWidth)
	b.mu.Unlock()
	_, err := io.WriteString(w, text)
	return err
}

// Report shows the progress. It is a function for client.WithProgress.
func (b *Bar) Report(p client.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Attempt != b.line.progress.Attempt {
		b.rate = rate{}
	}
	b.line = line{progress: p, perSecond: b.rate.add(b.now(), p.SentBytes)}
}

// Write writes lines above the bar. They must be complete.
func (b *Bar) Write(lines []byte) (int, error) { return b.progress.Write(lines) }

// Close removes the bar.
func (b *Bar) Close() {
	b.bar.Abort(true)
	b.progress.Wait()
}
