package parts

import (
	"bufio"
	"bytes"
	"fmt"
	"mime"
	"net/textproto"
	"net/url"
	"path"
	"strings"
)

// head is what the head of a part says, as a server understands it.
type head struct {
	// path is the cleaned absolute path. It is empty if the part has no file name.
	path string
	kind kind
	// quoted is set if the content is encoded as quoted-printable.
	quoted bool
}

type kind int

const (
	file kind = iota
	directory
	symlink
)

// Types of parts.
const (
	typeFile      = "application/octet-stream"
	typeDirectory = "application/x-directory"
	typeSymlink   = "application/symlink"
)

// parseHead parses a head of lines and an empty line.
func parseHead(text []byte) (head, error) {
	if h, ok := plainHead(text); ok {
		return h, nil
	}
	fields, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(text))).ReadMIMEHeader()
	if err != nil {
		return head{}, fmt.Errorf("the head of a part is malformed: %w", err)
	}
	h := head{quoted: strings.EqualFold(fields.Get("Content-Transfer-Encoding"), "quoted-printable")}
	if text := fields.Get("Content-Type"); text != "" {
		media, _, err := mime.ParseMediaType(text)
		if err != nil {
			return head{}, fmt.Errorf("the type of a part is malformed: %w", err)
		}
		h.kind = kindOf(media)
	}
	if _, err := url.QueryUnescape(fields.Get("Abspath-Encoded")); err != nil && h.kind == file {
		return head{}, fmt.Errorf("the source path of a part is malformed: %w", err)
	}
	if _, params, err := mime.ParseMediaType(fields.Get("Content-Disposition")); err == nil {
		h.path = cleanPath(params["filename"])
	}
	return h, nil
}

func kindOf(media string) kind {
	switch media {
	case typeDirectory, "multipart/form-data":
		return directory
	case typeSymlink:
		return symlink
	}
	return file
}

// cleanPath returns the path that a server makes of a file name. Servers take a
// name with an invalid escape as it is.
func cleanPath(name string) string {
	if unescaped, err := url.QueryUnescape(name); err == nil {
		name = unescaped
	}
	return path.Clean("/" + name)
}

// plainHead parses a head in the form in which this module and the libraries of
// IPFS write it. It returns false for all others. It allocates only the path.
func plainHead(text []byte) (h head, ok bool) {
	for {
		line, rest, found := bytes.Cut(text, []byte("\r\n"))
		if !found {
			return head{}, false
		}
		if len(line) == 0 {
			return h, h.path != ""
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Disposition":
			if h.path != "" {
				return head{}, false
			}
			if h.path, ok = plainName(value); !ok {
				return head{}, false
			}
		case "Content-Type":
			switch string(value) {
			case typeFile:
				h.kind = file
			case typeDirectory:
				h.kind = directory
			case typeSymlink:
				h.kind = symlink
			default:
				return head{}, false
			}
		case "Abspath", "Abspath-Encoded":
			if _, err := url.QueryUnescape(string(value)); err != nil || !plain(string(value), "%+/") {
				return head{}, false
			}
		default:
			return head{}, false
		}
		text = rest
	}
}

// plainName returns the path of a Content-Disposition whose quoted strings need no
// decoding.
func plainName(value []byte) (string, bool) {
	begin := []byte(`filename="`)
	i := bytes.LastIndex(value, begin)
	if i < 0 {
		return "", false
	}
	if !plainForm(string(value[:i])) {
		return "", false
	}
	name, ok := bytes.CutSuffix(value[i+len(begin):], []byte(`"`))
	if !ok || !plain(string(name), "%+") {
		return "", false
	}
	return cleanPath(string(name)), true
}

// plainForm reports whether text is the part of a Content-Disposition before the
// file name, in a plain form.
func plainForm(text string) bool {
	if text == "form-data; " || text == "attachment; " {
		return true
	}
	name, ok := strings.CutPrefix(text, `form-data; name="`)
	if !ok {
		return false
	}
	name, ok = strings.CutSuffix(name, `"; `)
	return ok && plain(name, "?&=")
}

// plain reports whether text consists of letters, digits, - _ . ~ and the given
// characters.
func plain(text, others string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.~", c) >= 0, strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}
