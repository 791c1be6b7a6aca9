package golden

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxAnswer is the maximum length of an answer that ReadResponse reads, in bytes.
const maxAnswer = 64 << 20

// ReadResponse reads the answer to a request with the given method from conn.
// It keeps what an HTTP client would hide: the order of headers, the chunks,
// all trailer lines. It fails only if the status line or the header is invalid.
// An answer that ends too early has the framing "cut".
func ReadResponse(conn io.Reader, method string) (Response, error) {
	r := bufio.NewReader(io.LimitReader(conn, maxAnswer))
	line, err := readLine(r)
	if err != nil {
		if line == "" && errors.Is(err, io.EOF) {
			return Response{Closed: true}, nil
		}
		return Response{}, fmt.Errorf("status line: %w", err)
	}
	var resp Response
	var status string
	resp.Proto, line, _ = strings.Cut(line, " ")
	status, resp.Reason, _ = strings.Cut(line, " ")
	if resp.Status, err = strconv.Atoi(status); err != nil {
		return Response{}, fmt.Errorf("status line: %w", err)
	}
	if resp.Headers, err = readFields(r); err != nil {
		return Response{}, fmt.Errorf("header: %w", err)
	}
	resp.Framing = "length"
	switch length := resp.Get("Content-Length"); {
	case method == "HEAD" || resp.Status == 204 || resp.Status == 304:
	case strings.EqualFold(resp.Get("Transfer-Encoding"), "chunked"):
		resp.Framing = "chunked"
		err = resp.readChunks(r)
	case length != "":
		var n int
		if n, err = strconv.Atoi(length); err != nil {
			return Response{}, fmt.Errorf("length of the body: %w", err)
		}
		err = resp.readBody(r, n)
	default:
		resp.Framing = "close"
		resp.Body.data, err = io.ReadAll(r)
	}
	if err != nil {
		resp.Framing = "cut"
	}
	return resp, nil
}

func (r *Response) readBody(from *bufio.Reader, n int) error {
	body, err := io.ReadAll(io.LimitReader(from, int64(n)))
	r.Body.data = append(r.Body.data, body...)
	if err == nil && len(body) < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (r *Response) readChunks(from *bufio.Reader) error {
	r.Chunks = []int{}
	for {
		line, err := readLine(from)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(line, 16, 31)
		if err != nil {
			return err
		}
		if n == 0 {
			r.Trailers, err = readFields(from)
			return err
		}
		if err := r.readBody(from, int(n)); err != nil {
			return err
		}
		r.Chunks = append(r.Chunks, int(n))
		if _, err := readLine(from); err != nil {
			return err
		}
	}
}

// readFields reads lines up to an empty line.
func readFields(r *bufio.Reader) ([]Field, error) {
	fields := []Field{}
	for {
		line, err := readLine(r)
		if err != nil || line == "" {
			return fields, err
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, Field{name, strings.TrimPrefix(value, " ")})
	}
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
