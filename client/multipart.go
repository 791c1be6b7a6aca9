package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/pinfleet/pinfleet/api"
)

// newBoundary returns a boundary that no content holds by chance.
func newBoundary() string { return "pinfleet-" + rand.Text() }

// multipartBody is the body of an add: one part for each node. It opens one
// file at a time, when the upload has come to it.
type multipartBody struct {
	ctx      context.Context
	boundary string
	nodes    walker
	noCopy   bool
	web      http.RoundTripper

	head    bytes.Buffer  // text to deliver before content
	content io.ReadCloser // of the node that is being uploaded
	first   bool
	done    bool
}

func newMultipartBody(ctx context.Context, boundary string, roots []node, params *api.AddParams, web http.RoundTripper) *multipartBody {
	return &multipartBody{
		ctx:      ctx,
		boundary: boundary,
		nodes:    walker{hidden: params.Hidden, levels: [][]node{roots}},
		noCopy:   params.NoCopy,
		web:      web,
		first:    true,
	}
}

// Read implements io.Reader.
func (m *multipartBody) Read(p []byte) (int, error) {
	if m.ctx.Err() != nil {
		return 0, context.Cause(m.ctx)
	}
	for {
		if m.head.Len() > 0 {
			return m.head.Read(p)
		}
		if m.content != nil {
			n, err := m.content.Read(p)
			if err == io.EOF {
				err = m.content.Close()
				m.content = nil
			}
			if n > 0 || err != nil {
				return n, err
			}
			continue
		}
		if m.done {
			return 0, io.EOF
		}
		if err := m.advance(); err != nil {
			return 0, err
		}
	}
}

// Close closes the file that is open.
func (m *multipartBody) Close() error {
	m.done = true
	m.head.Reset()
	if m.content == nil {
		return nil
	}
	err := m.content.Close()
	m.content = nil
	return err
}

// advance begins the next part, or the end.
func (m *multipartBody) advance() error {
	n, ok, err := m.nodes.next()
	if err != nil {
		return err
	}
	if !m.first {
		m.head.WriteString("\r\n")
	}
	m.first = false
	if !ok {
		fmt.Fprintf(&m.head, "--%s--\r\n", m.boundary)
		m.done = true
		return nil
	}
	contentType := "application/octet-stream"
	switch {
	case n.web != nil:
		m.content, err = m.fetch(n)
	case n.info.IsDir():
		contentType = "application/x-directory"
	case n.info.Mode().Type() == fs.ModeSymlink:
		contentType = "application/symlink"
		var target string
		target, err = os.Readlink(n.path)
		m.content = io.NopCloser(strings.NewReader(target))
	default:
		m.content, err = openRegular(n.path)
	}
	if err != nil {
		m.content = nil
		return err
	}
	fmt.Fprintf(&m.head, "--%s\r\n", m.boundary)
	if m.noCopy {
		fmt.Fprintf(&m.head, "Abspath-Encoded: %s\r\n", url.QueryEscape(n.web.String()))
	}
	fmt.Fprintf(&m.head, "Content-Disposition: form-data; name=\"file%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n",
		metadata(n.info), url.QueryEscape(n.name), contentType)
	return nil
}

// metadata encodes mode and modification time as the server expects them
// behind the form name.
func metadata(info fs.FileInfo) string {
	if info == nil {
		return ""
	}
	text := fmt.Sprintf("?mode=0%o", uint32(info.Mode()))
	if t := info.ModTime(); !t.IsZero() {
		text += fmt.Sprintf("&mtime=%d", t.Unix())
		if ns := t.Nanosecond(); ns > 0 {
			text += fmt.Sprintf("&mtime-nsecs=%d", ns)
		}
	}
	return text
}

// openRegular opens a file, making sure that it still is one: opening a named
// pipe that took its place would wait for a writer.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openNonBlock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no longer a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
