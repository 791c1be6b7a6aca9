package client

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/pinfleet/pinfleet/api"
)

// newBoundary returns a random boundary, which is so long that content does not
// contain it by chance.
func newBoundary() string { return "pinfleet-" + rand.Text() }

// sourceTree is what an add uploads: files, directories and symlinks. It is not safe
// for concurrent use.
type sourceTree interface {
	// next returns the next node, a directory before its content, or io.EOF after
	// the last one. The other methods take the node until the following call.
	next() (node, error)
	openFile(node) (io.ReadCloser, metadata, error)
	readLink(node) (target string, meta metadata, err error)
	// size returns the size of a file in bytes.
	size(node) (int64, error)
	// close closes what is open, except files. No node is left afterwards.
	close() error
}

// multipartBody is the body of an add, with one part for each node. It opens one
// file at a time, when its turn comes.
type multipartBody struct {
	ctx       context.Context
	delimiter string // between parts
	tree      sourceTree
	noCopy    bool
	web       *webSources
	// fills makes Read fill p before returning. It is off when a source is fetched
	// over HTTP, because bytes that were already read must not wait for the
	// network.
	fills bool

	text    []byte        // delimiter and header that precede content
	buf     []byte        // buffer of text, for reuse
	content io.ReadCloser // content of the current node
	first   bool          // no part has begun yet
	done    bool
}

// newMultipartBody returns the body of an Add.
func newMultipartBody(ctx context.Context, boundary string, roots []node, params *api.AddParams, web *webSources) *multipartBody {
	m := newTreeBody(ctx, boundary, newWalker(roots, params))
	m.noCopy, m.web = params.NoCopy, web
	m.fills = !slices.ContainsFunc(roots, func(n node) bool { return n.web != nil })
	return m
}

// newTreeBody returns a body with the content of a tree, which it closes.
func newTreeBody(ctx context.Context, boundary string, tree sourceTree) *multipartBody {
	return &multipartBody{ctx: ctx, delimiter: "--" + boundary, tree: tree, fills: true, first: true}
}

// Read implements io.Reader. One call may return many small parts.
func (m *multipartBody) Read(p []byte) (n int, err error) {
	if m.ctx.Err() != nil {
		return 0, context.Cause(m.ctx)
	}
	for n < len(p) && err == nil && (m.fills || n == 0) {
		switch {
		case len(m.text) > 0:
			k := copy(p[n:], m.text)
			m.text = m.text[k:]
			n += k
		case m.content != nil:
			var k int
			k, err = m.content.Read(p[n:])
			n += k
			if err == io.EOF {
				err = m.content.Close()
				m.content = nil
			}
		case m.done:
			return n, io.EOF
		default:
			err = m.advance()
		}
	}
	return n, err
}

// Close closes the source and the directories that are open.
func (m *multipartBody) Close() error {
	m.done = true
	m.text = nil
	err := m.tree.close()
	if m.content != nil {
		err = errors.Join(err, m.content.Close())
		m.content = nil
	}
	return err
}

// advance begins the next part, or writes the closing delimiter.
func (m *multipartBody) advance() error {
	b := m.buf[:0]
	if !m.first {
		b = append(b, "\r\n"...)
	}
	m.first = false
	b = append(b, m.delimiter...)
	n, err := m.tree.next()
	switch {
	case err == io.EOF:
		m.done = true
		b = append(b, "--\r\n"...)
	case err != nil:
		return err
	default:
		b = append(b, "\r\n"...)
		if b, err = m.open(b, n); err != nil {
			return err
		}
	}
	m.text, m.buf = b, b
	return nil
}

// open begins the part of n. It appends the part's header to b and sets
// m.content.
func (m *multipartBody) open(b []byte, n node) ([]byte, error) {
	meta, contentType := n.meta, "application/octet-stream"
	var target string // of a symlink; it is the content of the symlink's part
	var err error
	switch {
	case n.web != nil:
		m.content, err = m.web.fetch(m.ctx, n)
	case n.typ == 0:
		m.content, meta, err = m.tree.openFile(n)
	case n.typ.IsDir():
		contentType = "application/x-directory"
	default:
		contentType = "application/symlink"
		target, meta, err = m.tree.readLink(n)
	}
	if err != nil {
		return nil, err
	}
	if m.noCopy {
		b = append(b, "Abspath-Encoded: "...)
		b = appendEscaped(b, n.web.String())
		b = append(b, "\r\n"...)
	}
	b = append(b, `Content-Disposition: form-data; name="file`...)
	if n.web == nil {
		b = appendMetadata(b, meta)
	}
	b = append(b, `"; filename="`...)
	if n.dir != "" {
		b = append(b, n.dir...)
		b = append(b, "%2F"...)
	}
	b = appendEscaped(b, n.name)
	b = append(b, "\"\r\nContent-Type: "...)
	b = append(b, contentType...)
	b = append(b, "\r\n\r\n"...)
	return append(b, target...), nil
}

// appendMetadata appends mode and modification time, which servers read from a
// query string after the form name.
func appendMetadata(b []byte, meta metadata) []byte {
	b = append(b, "?mode=0"...)
	b = strconv.AppendUint(b, uint64(meta.mode), 8)
	if t := meta.modTime; !t.IsZero() {
		b = append(b, "&mtime="...)
		b = strconv.AppendInt(b, t.Unix(), 10)
		if ns := t.Nanosecond(); ns > 0 {
			b = append(b, "&mtime-nsecs="...)
			b = strconv.AppendInt(b, int64(ns), 10)
		}
	}
	return b
}

// appendEscaped appends url.QueryEscape(s), without making a string of it.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			const digits = "0123456789ABCDEF"
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}
