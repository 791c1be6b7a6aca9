package golden

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Boundary separates the parts of the bodies of adds.
const Boundary = "pinfleet-golden-boundary"

const typeFile, typeDirectory = "application/octet-stream", "application/x-directory"

// Body is the body of a request or response. For long bodies, the transcript
// contains only the hash.
type Body struct {
	// SHA256, in hex, and Length are set if the transcript does not contain the body.
	SHA256 string
	Length int

	data []byte
}

// NewBody returns a body with the given content.
func NewBody(data []byte) Body { return Body{data: data} }

// Bytes returns the content and whether it is known.
func (b Body) Bytes() ([]byte, bool) { return b.data, b.SHA256 == "" }

// UnmarshalJSON decodes a text, base64 data, or a hash and a length.
func (b *Body) UnmarshalJSON(text []byte) error {
	var wire struct {
		Text   *string
		Base64 []byte
		SHA256 string
		Length int
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return err
	}
	*b = Body{SHA256: wire.SHA256, Length: wire.Length, data: wire.Base64}
	if wire.Text != nil {
		b.data = []byte(*wire.Text)
	}
	return nil
}

// matches reports whether content has the length and hash of b.
func (b Body) matches(content []byte) bool {
	sum := sha256.Sum256(content)
	return len(content) == b.Length && hex.EncodeToString(sum[:]) == b.SHA256
}

// Parts are the parts of a multipart body.
type Parts []Part

// Part is a file, directory or symlink of an upload.
type Part struct {
	Filename    string  `json:"filename"` // before query-escaping
	ContentType string  `json:"content_type"`
	Content     Content `json:"content"`
}

// Content is a text, or the output of a generator if Length is not 0.
type Content struct {
	Text   string `json:"text"`
	Seed   uint32 `json:"xorshift32_seed"`
	Length int    `json:"length"`
}

// Bytes returns the content. The generator is [Xorshift32].
func (c Content) Bytes() []byte {
	if c.Length > 0 {
		return Xorshift32(c.Seed, c.Length)
	}
	return []byte(c.Text)
}

// Xorshift32 returns n bytes of the output of the xorshift32 random number
// generator: its 32-bit words in little-endian order. The first word is the one
// that follows the seed.
func Xorshift32(seed uint32, n int) []byte {
	out := make([]byte, 0, n+4)
	for x := seed; len(out) < n; {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		out = binary.LittleEndian.AppendUint32(out, x)
	}
	return out[:n]
}

var directoryPattern = regexp.MustCompile(`^directory '(.*)' then (\d+) files (\S+) whose content is the decimal index$`)

// UnmarshalJSON decodes a list of parts, or the description of a directory with
// many files.
func (p *Parts) UnmarshalJSON(text []byte) error {
	var list []Part
	if err := json.Unmarshal(text, &list); err == nil {
		*p = list
		return nil
	}
	var described struct{ Generator string }
	if err := json.Unmarshal(text, &described); err != nil {
		return err
	}
	m := directoryPattern.FindStringSubmatch(described.Generator)
	if m == nil {
		return fmt.Errorf("unknown generator of parts: %q", described.Generator)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return err
	}
	*p = Parts{{Filename: m[1], ContentType: typeDirectory}}
	for i := range n {
		*p = append(*p, Part{
			Filename:    fmt.Sprintf(m[3], i),
			ContentType: typeFile,
			Content:     Content{Text: strconv.Itoa(i)},
		})
	}
	return nil
}

// Encode returns the multipart body of the parts.
func (p Parts) Encode() []byte {
	var b bytes.Buffer
	for _, part := range p {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\nContent-Type: %s\r\n\r\n",
			Boundary, url.QueryEscape(part.Filename), part.ContentType)
		b.Write(part.Content.Bytes())
		b.WriteString("\r\n")
	}
	b.WriteString("--" + Boundary + "--\r\n")
	return b.Bytes()
}

// Content returns the request's body. If the transcript does not contain it,
// Content encodes the parts, and fails if the result has another hash than the
// recorded body.
func (r Request) Content() ([]byte, error) {
	if data, known := r.Body.Bytes(); known {
		return data, nil
	}
	if len(r.Parts) == 0 {
		return nil, errors.New("the body of the request is not in the transcript")
	}
	data := r.Parts.Encode()
	if !r.Body.matches(data) {
		return nil, fmt.Errorf("the body made from the parts has %d bytes and is not the one of %d bytes that was sent", len(data), r.Body.Length)
	}
	return data, nil
}

// Encode returns the request as it was sent. It applies replace, for example
// for peer IDs, to the request line and to a body that is not multipart, and
// adjusts Content-Length.
func (r Request) Encode(replace *strings.Replacer) ([]byte, error) {
	body, err := r.Content()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(r.Get("Content-Type"), "multipart/") {
		body = []byte(replace.Replace(string(body)))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, replace.Replace(r.Target))
	for _, f := range r.Headers {
		if strings.EqualFold(f[0], "Content-Length") {
			f[1] = strconv.Itoa(len(body))
		}
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	b.WriteString("\r\n")
	if strings.EqualFold(r.Get("Transfer-Encoding"), "chunked") {
		fmt.Fprintf(&b, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else {
		b.Write(body)
	}
	return b.Bytes(), nil
}
