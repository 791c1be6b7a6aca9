package clustertest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
)

// changeBody returns an effect that lets change replace the reader of the
// request's body. At the end, it reads what is left of the body, so that the
// client receives the answer.
func changeBody(change func(body io.Reader) io.Reader) Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := r.Body
			r.Body = struct {
				io.Reader
				io.Closer
			}{change(body), body}
			next.ServeHTTP(w, r)
			_, _ = io.Copy(io.Discard, body)
		})
	}
}

// FlipByte inverts the lowest bit of the byte with index n of the request's body.
func FlipByte(n int64) Effect {
	return changeBody(func(body io.Reader) io.Reader { return &flippedBody{body: body, left: n} })
}

type flippedBody struct {
	body io.Reader
	left int64 // bytes before the one to change; negative after it
}

func (b *flippedBody) Read(buf []byte) (int, error) {
	n, err := b.body.Read(buf)
	if b.left >= 0 && b.left < int64(n) {
		buf[b.left] ^= 1
	}
	b.left -= int64(n)
	return n, err
}

// DropBytes removes length bytes from the request's body, beginning with the one
// with index n. Reverse proxies that are not full duplex lose bytes in this way
// when the answer begins.
func DropBytes(n, length int64) Effect {
	return changeBody(func(body io.Reader) io.Reader {
		return io.MultiReader(io.LimitReader(body, n), &withoutHead{body: body, n: length})
	})
}

// withoutHead is body without its first n bytes.
type withoutHead struct {
	body io.Reader
	n    int64
}

func (b *withoutHead) Read(buf []byte) (int, error) {
	if b.n > 0 {
		dropped, err := io.CopyN(io.Discard, b.body, b.n)
		if b.n -= dropped; err != nil {
			return 0, err
		}
	}
	return b.body.Read(buf)
}

// TruncateUpload ends the request's body after n bytes, as if the client had sent
// no more. Unlike CutUpload, it leaves the connection open.
func TruncateUpload(n int64) Effect {
	return changeBody(func(body io.Reader) io.Reader { return io.LimitReader(body, n) })
}

// OmitFile removes file i from an upload. Files are counted from 0, without
// directories. An upload with fewer files is served unchanged. OmitFile, like
// DoubleFile and SwapFiles, reads the whole upload before it serves the request.
func OmitFile(i int) Effect {
	return editUpload(i, func(all []part, at []int) []part { return append(all[:at[i]:at[i]], all[at[i]+1:]...) })
}

// DoubleFile repeats file i of an upload; see OmitFile.
func DoubleFile(i int) Effect {
	return editUpload(i, func(all []part, at []int) []part { return append(all[:at[i]+1:at[i]+1], all[at[i]:]...) })
}

// SwapFiles exchanges the contents of the files i and j of an upload, but not
// their names; see OmitFile.
func SwapFiles(i, j int) Effect {
	return editUpload(max(i, j), func(all []part, at []int) []part {
		a, b := &all[at[i]], &all[at[j]]
		a.content, b.content = b.content, a.content
		return all
	})
}

// part is one part of a multipart body.
type part struct {
	header  textproto.MIMEHeader
	content []byte
}

// editUpload returns an effect that changes the parts of an upload which has a
// file with index last. at holds the indexes of the parts that are files.
func editUpload(last int, edit func(all []part, at []int) []part) Effect {
	return before(func(_ http.ResponseWriter, r *http.Request) {
		original, err := io.ReadAll(r.Body)
		if err != nil {
			abort()
		}
		edited := original
		_, media, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		all, err := readParts(original, media["boundary"])
		if at := filesOf(all); err == nil && last < len(at) {
			edited = writeParts(edit(all, at), media["boundary"])
		}
		r.Body = io.NopCloser(bytes.NewReader(edited))
	})
}

// readParts parses a multipart body.
func readParts(body []byte, boundary string) ([]part, error) {
	var all []part
	for r := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, err
		}
		all = append(all, part{header: p.Header, content: content})
	}
}

// filesOf returns the indexes of the parts that are files.
func filesOf(all []part) []int {
	var at []int
	for i, p := range all {
		if p.header.Get("Content-Type") == "application/octet-stream" {
			at = append(at, i)
		}
	}
	return at
}

// writeParts returns a multipart body with the given parts.
func writeParts(all []part, boundary string) []byte {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	// Nothing fails: the boundary comes from a valid request, and the buffer takes
	// everything.
	_ = w.SetBoundary(boundary)
	for _, p := range all {
		pw, _ := w.CreatePart(p.header)
		_, _ = pw.Write(p.content)
	}
	_ = w.Close()
	return body.Bytes()
}
