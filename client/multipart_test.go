package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// bodyOf returns the body of an add of the paths.
func bodyOf(t *testing.T, web http.RoundTripper, paths ...string) *multipartBody {
	t.Helper()
	policy := &config.WebPolicy{}
	roots, err := newRoots(paths, recursive(), policy)
	if err != nil {
		t.Fatal(err)
	}
	m := newMultipartBody(t.Context(), "b", roots, recursive(), &webSources{web, policy})
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// One Read returns many small files.
func TestSmallFilesComeTogether(t *testing.T) {
	dir := tree(t, map[string]string{"d/a": "A", "d/b": "", "d/c": strings.Repeat("C", 10_000), "d/e/f": "F"})
	m := bodyOf(t, nil, filepath.Join(dir, "d"))
	var want bytes.Buffer
	if _, err := io.Copy(&want, bodyOf(t, nil, filepath.Join(dir, "d"))); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1<<20)
	if n, err := m.Read(p); err != io.EOF || string(p[:n]) != want.String() {
		t.Errorf("the first read brings %d of %d bytes, %v", n, want.Len(), err)
	}
}

// A Read that fails at a file also returns the bytes before that file.
func TestFailureBehindSmallFiles(t *testing.T) {
	dir := tree(t, map[string]string{"a": "A", "b": "B"})
	m := bodyOf(t, nil, filepath.Join(dir, "a"))
	roots := &m.tree.(*walker).levels[0]
	roots.nodes = append(roots.nodes, node{name: "gone", prefix: dir + "/"})
	p := make([]byte, 1<<20)
	n, err := m.Read(p)
	if err == nil || !strings.HasSuffix(string(p[:n]), "\r\n\r\nA") {
		t.Errorf("%q, %v", p[:n], err)
	}
}

// A web source may be slow. Bytes that were already read, from a file or from a web source,
// do not wait for it.
func TestSlowWebSourceHoldsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(tree(t, map[string]string{"a": "of the file"}), "a")
		answered, content := make(chan struct{}), make(handed)
		m := bodyOf(t, roundTripperFunc(func(*http.Request) (*http.Response, error) {
			<-answered
			return &http.Response{StatusCode: 200, Body: io.NopCloser(content)}, nil
		}), file, "http://host/b")
		u, _ := uploadOf(t, t.Context(), m)
		defer u.Close()
		var got strings.Builder
		done := make(chan error)
		go func() {
			_, err := u.WriteTo(&got)
			done <- err
		}()
		for _, step := range []struct {
			do   func()
			text string
		}{
			{func() {}, "of the file"},
			{func() { close(answered) }, "\r\n\r\n"},
			{func() { content <- "of the web" }, "of the web"},
			{func() { close(content) }, "\r\n--b--\r\n"},
		} {
			step.do()
			synctest.Wait()
			if !strings.HasSuffix(got.String(), step.text) {
				t.Errorf("got %q, which does not end in %q", got.String(), step.text)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Read checks the context between files, so that an upload of local files ends with it.
func TestMultipartBodyEndsWithItsContext(t *testing.T) {
	dir := tree(t, map[string]string{"a": "A"})
	roots, err := newRoots([]string{filepath.Join(dir, "a")}, api.DefaultAddParams(), &config.WebPolicy{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := newMultipartBody(ctx, "b", roots, api.DefaultAddParams(), nil)
	if _, err := m.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	cancel()
	if _, err := m.Read(make([]byte, 1)); !isCanceled(err) {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
