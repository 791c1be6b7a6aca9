package discovery_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// A change is seen whether the file is rewritten or replaced, even if its size
// and modification time stay the same. The file system's clock may be wrong:
// when it was a day slow, a second change within its granularity was once
// missed. An invalid file changes nothing.
func TestFileIsFollowed(t *testing.T) {
	for name, age := range map[string]time.Duration{"present": 0, "slow clock": 24 * time.Hour, "fast clock": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { fileIsFollowed(t, filepath.Join(dir, "endpoints.json"), time.Now().Add(-age)) })
		})
	}
}

// fileIsFollowed changes a file whose modification time is always modified.
func fileIsFollowed(t *testing.T, path string, modified time.Time) {
	log := newLogBuffer()
	l := listen(t, &discovery.File{
		Path: path, Template: &config.Config{UserAgent: "test", Username: "u", Password: "p", AllowCleartextAuth: true},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	write := func(path, content string) {
		must(t, os.WriteFile(path, []byte(content), 0o600))
		must(t, os.Chtimes(path, modified, modified))
	}
	replace := func(content string) {
		write(path+".new", content)
		must(t, os.Rename(path+".new", path))
	}
	log.await(t, "no such file")
	write(path, `["`+a1+`", {"api_addr": "`+a2+`", "weight": 2}, "http://me:secret@10.0.0.3:9094"]`)
	l.await(t, a1, a2, "http://10.0.0.3:9094")
	cfgs, _ := l.last()
	if cfgs[0].UserAgent != "test" || cfgs[0].Username != "u" || cfgs[1].UserAgent != "" || cfgs[1].Weight != 2 || cfgs[2].Username != "me" {
		t.Errorf("got %v", cfgs)
	}
	replace(`["` + a1 + `"]`)
	l.await(t, a1)
	if later, _ := l.last(); later[0] != cfgs[0] {
		t.Error("an endpoint that stayed has another configuration")
	}
	write(path, `["`+a2+`"]`)
	l.await(t, a2)

	for _, bad := range []string{`["` + a1, `[]`, `["` + a1 + `", 7]`, `["` + a1 + `", "/ip4/10.0.0.1"]`, `["` + a1 + "," + a2 + `"]`, `{}`, `[{"nokey": 1}]`, `[null]`, `[[]]`, strings.Repeat(" ", 9<<20)} {
		log.reset()
		replace(bad)
		log.await(t, "keeping the last ones")
	}
	must(t, os.Remove(path))
	log.reset()
	log.await(t, "no such file")
	if cfgs, _ := l.last(); len(cfgs) != 1 || cfgs[0].APIAddr.String() != a2 {
		t.Errorf("reported %v", cfgs)
	}
	replace(`["` + a3 + `"]`)
	l.await(t, a3)
	if strings.Contains(log.all(), "secret") {
		t.Error("a password was logged")
	}
}

func TestFileRefuses(t *testing.T) {
	for _, src := range []discovery.Source{&discovery.File{}, &discovery.File{Path: "a", Interval: -1}} {
		if err := src.Watch(t.Context(), nil); err == nil {
			t.Error("no error")
		}
	}
}

// logBuffer collects log output.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	kept strings.Builder
	got  chan struct{} // receives after log output; capacity 1
}

func newLogBuffer() *logBuffer { return &logBuffer{got: make(chan struct{}, 1)} }

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Write(p)
	select {
	case b.got <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *logBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

func (b *logBuffer) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.String()
}

func (b *logBuffer) await(t *testing.T, want string) {
	t.Helper()
	for {
		b.mu.Lock()
		found := bytes.Contains(b.text.Bytes(), []byte(want))
		b.mu.Unlock()
		if found {
			return
		}
		<-b.got
	}
}
