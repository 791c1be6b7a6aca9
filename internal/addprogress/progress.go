package addprogress

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// interval is the minimum time between two reports of an add, except the last one.
const interval = 100 * time.Millisecond

// Figures are what a report says of an add. [client.Progress] documents the fields.
type Figures struct {
	Attempt                  int
	Name                     string
	SentBytes, SentFiles     int64
	StoredBytes, StoredFiles int64
	TotalBytes, TotalFiles   int64
	Done                     bool
}

// listener is a function that wants reports. Only one goroutine at a time calls it.
type listener struct {
	report func(Figures)

	mu sync.Mutex
	// calling is set while report runs, and for ever after it has panicked.
	calling bool
}

// call calls report with mu held.
func (l *listener) call(f Figures) {
	if l.calling {
		return
	}
	l.calling = true
	l.report(f)
	l.calling = false
}

// key is the key of a *listener or of an *Add in a context.
type key struct{}

// With returns a context whose adds call report. If report is nil, they call nothing.
func With(ctx context.Context, report func(Figures)) context.Context {
	return context.WithValue(ctx, key{}, &listener{report: report})
}

// Add is the progress of one add, whose attempts share it. The methods of a nil Add do
// nothing. It is safe for concurrent use.
type Add struct {
	listener *listener

	// The mutex of listener guards the fields below.
	figures Figures
	last    time.Time // of the last report
	current *Attempt
	over    bool
}

// Start returns the progress of the add that begins with ctx, the context for the
// add, and a function that must be called at its end, and then makes the last report.
// If ctx belongs to an add already, that add goes on, and the function does nothing.
// Without a listener in ctx, the progress is nil.
func Start(ctx context.Context) (context.Context, *Add, func()) {
	switch v := ctx.Value(key{}).(type) {
	case *listener:
		if v.report == nil {
			return ctx, nil, func() {}
		}
		a := &Add{listener: v}
		return context.WithValue(ctx, key{}, a), a, a.end
	case *Add:
		return ctx, v, func() {}
	}
	return ctx, nil, func() {}
}

// From returns the progress of the add that ctx belongs to, or nil.
func From(ctx context.Context) *Add {
	a, _ := ctx.Value(key{}).(*Add)
	return a
}

// NeedsTotals reports whether the totals are wanted and not known.
func (a *Add) NeedsTotals() bool {
	if a == nil {
		return false
	}
	a.listener.mu.Lock()
	defer a.listener.mu.Unlock()
	return a.figures.TotalFiles == 0
}

// SetTotals sets the number of files of the add, and of their bytes.
func (a *Add) SetTotals(files, bytes int64) {
	if a == nil {
		return
	}
	a.listener.mu.Lock()
	defer a.listener.mu.Unlock()
	a.figures.TotalFiles, a.figures.TotalBytes = files, bytes
}

// Begin begins to send everything from the beginning. What an earlier Attempt reports
// from now on is ignored.
func (a *Add) Begin() *Attempt {
	if a == nil {
		return nil
	}
	a.listener.mu.Lock()
	defer a.listener.mu.Unlock()
	a.current = &Attempt{add: a, seed: maphash.MakeSeed()}
	a.figures = Figures{Attempt: a.figures.Attempt + 1, TotalBytes: a.figures.TotalBytes, TotalFiles: a.figures.TotalFiles}
	return a.current
}

// end makes the last report. There are no reports after it.
func (a *Add) end() {
	a.listener.mu.Lock()
	defer a.listener.mu.Unlock()
	a.over = true
	a.figures.Done = true
	a.listener.call(a.figures)
}

// changed reports the figures unless the last report is too recent.
func (a *Add) changed() {
	if now := time.Now(); now.Sub(a.last) >= interval {
		a.last = now
		a.listener.call(a.figures)
	}
}

// Attempt is the progress of one attempt of an add. The methods of a nil Attempt do
// nothing. It is safe for concurrent use.
type Attempt struct {
	add  *Add
	read int64 // of the file that is being sent
	// sent are the files that were sent and are not known to be stored.
	sent []sentFile
	seed maphash.Seed
}

// sentFile is a file of an upload. Its name is kept as a hash, because there may be
// many of them.
type sentFile struct {
	name  uint64
	bytes int64
}

// Sent records that further content of a file was sent: read is the number of its bytes
// so far, and ended is set if these are all. A symlink is a file without content.
func (t *Attempt) Sent(name string, read int64, ended bool) {
	t.update(func(f *Figures) {
		f.Name = name
		f.SentBytes += read - t.read
		t.read = read
		if ended {
			f.SentFiles++
			t.sent = append(t.sent, sentFile{maphash.String(t.seed, name), read})
			t.read = 0
		}
		// A file may have grown since the totals were counted.
		if f.TotalFiles > 0 {
			f.TotalBytes, f.TotalFiles = max(f.TotalBytes, f.SentBytes), max(f.TotalFiles, f.SentFiles)
		}
	})
}

// Stored records that the cluster has reported an entry of the upload. Clusters report
// the files in the order in which they were sent. What else they report is ignored:
// directories, and shards.
func (t *Attempt) Stored(name string) {
	t.update(func(f *Figures) {
		if len(t.sent) > 0 && t.sent[0].name == maphash.String(t.seed, name) {
			f.StoredFiles++
			f.StoredBytes += t.sent[0].bytes
			t.sent = t.sent[1:]
		}
	})
}

// update changes the figures, unless the attempt is over.
func (t *Attempt) update(change func(*Figures)) {
	if t == nil {
		return
	}
	a := t.add
	a.listener.mu.Lock()
	defer a.listener.mu.Unlock()
	if a.over || a.current != t {
		return
	}
	change(&a.figures)
	a.changed()
}
