package transport

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"

	"github.com/pinfleet/pinfleet/config"
)

// tlsFiles supplies the tls.Config of new connections. It reads the files of the
// settings again when they have changed, so that rotated certificates and
// authorities take effect without a restart. The check is a stat of each file, which
// costs little beside a handshake.
type tlsFiles struct {
	settings   config.TLS
	serverName string
	endpoint   string // for the log
	logger     *slog.Logger

	mu      sync.Mutex
	seen    []os.FileInfo // the files as they were before the last reading; nil for a missing one
	current *tls.Config
}

func newTLSFiles(cfg *config.Config, addr config.Address) (*tlsFiles, error) {
	f := &tlsFiles{settings: cfg.TLS, serverName: serverName(addr), endpoint: addr.String(), logger: cfg.Logger}
	if f.logger == nil {
		f.logger = slog.New(slog.DiscardHandler)
	}
	f.seen = f.stat()
	var err error
	f.current, err = f.read()
	return f, err
}

// config returns the tls.Config for a new connection. If the files have changed and
// cannot be used, it returns the previous one, and logs that once.
func (f *tlsFiles) config() *tls.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	// Before the reading, so that a change during the reading is noticed later.
	now := f.stat()
	if sameFiles(now, f.seen) {
		return f.current
	}
	f.seen = now
	fresh, err := f.read()
	if err != nil {
		f.logger.Warn("the TLS files have changed and cannot be used: new connections use the previous ones", "endpoint", f.endpoint, "error", err)
		return f.current
	}
	f.current = fresh
	return fresh
}

// read returns a new tls.Config. It has a session cache of its own, because a
// session that was begun under another authority must not be resumed.
func (f *tlsFiles) read() (*tls.Config, error) {
	tc, err := f.settings.ClientConfig()
	if err != nil {
		return nil, err
	}
	tc.ServerName = f.serverName
	// Servers close the connection after every add, so handshakes are frequent
	// despite the pool of connections.
	tc.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	return tc, nil
}

func (f *tlsFiles) stat() []os.FileInfo {
	var infos []os.FileInfo
	for _, name := range []string{f.settings.CAFile, f.settings.CertFile, f.settings.KeyFile} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			info = nil
		}
		infos = append(infos, info)
	}
	return infos
}

// sameFiles reports whether a and b describe the same files with the same content,
// as far as size and modification time show.
func sameFiles(a, b []os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil {
			if a[i] != b[i] {
				return false
			}
			continue
		}
		if !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}
