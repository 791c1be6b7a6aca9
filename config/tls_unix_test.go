//go:build unix

package config

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// E15, in another place: a named pipe as a file of TLS made Validate wait for ever.
func TestTLSFilesAreRegular(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{SSL: true, TLS: TLS{CAFile: pipe, CertFile: pipe, KeyFile: pipe}}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"CAFile", "CertFile", "KeyFile"} {
		if want := "TLS." + field + " cannot be read: read " + pipe + ": it is not a regular file, but a named pipe"; !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}
