package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxItem bounds one item of a stream, in bytes. An item holds a peer map, so
// that it grows with the cluster.
const maxItem = 16 << 20

// trailerError is the trailer in which a server reports errors of a stream
// whose status line said 200.
const trailerError = "X-Stream-Error"

// listing performs a request whose answer is a stream of documents, and yields
// them. It understands the arrays of servers before v1.0.0.
func listing[T any](ctx context.Context, c *defaultClient, req *request) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		r, err := c.send(ctx, req)
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.close()
		s := newStream(r)
		for {
			item := new(T)
			err := s.next(item)
			if err == io.EOF {
				err = r.verify(true)
				if err == nil {
					return
				}
				yield(nil, err)
				return
			}
			if err != nil {
				yield(nil, r.brokenError(err))
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// stream decodes the documents of a body one by one.
type stream struct {
	body  *boundedReader
	dec   *json.Decoder
	array bool
	begun bool
}

func newStream(r *response) *stream {
	body := &boundedReader{r: bufio.NewReaderSize(r.Body, 32<<10)}
	return &stream{body: body, dec: json.NewDecoder(body)}
}

// next decodes the next document into v. io.EOF is the proper end.
func (s *stream) next(v any) error {
	s.body.left = maxItem
	if !s.begun {
		s.begun = true
		if end, err := s.begin(); end || err != nil {
			if err == nil {
				err = io.EOF
			}
			return err
		}
	}
	if s.array && !s.dec.More() {
		return s.end()
	}
	err := s.dec.Decode(v)
	if s.array && err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// begin looks whether the body is an array, null (an empty one), empty, or
// documents one after another.
func (s *stream) begin() (end bool, err error) {
	for {
		b, err := s.body.r.Peek(1)
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			if _, err := s.body.r.Discard(1); err != nil {
				return false, err
			}
		case '[':
			s.array = true
			_, err := s.dec.Token()
			return false, err
		case 'n':
			var null any
			if err := s.dec.Decode(&null); err != nil || null != nil {
				return false, fmt.Errorf("this is not a listing: %w", errors.Join(err))
			}
			return true, s.mustEnd()
		default:
			return false, nil
		}
	}
}

// end reads the end of an array.
func (s *stream) end() error {
	if _, err := s.dec.Token(); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if err := s.mustEnd(); err != nil {
		return err
	}
	return io.EOF
}

// mustEnd reads the end of the body, where nothing else may be.
func (s *stream) mustEnd() error {
	_, err := s.dec.Token()
	if err == nil {
		return errors.New("data behind the end of the listing")
	}
	if err != io.EOF {
		return err
	}
	return nil
}

// boundedReader fails once a document has taken more than was left.
type boundedReader struct {
	r    *bufio.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("an item of more than %d MiB", maxItem>>20)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

// verify tells, at the proper end of a streamed body, whether it was all:
// what the trailer reports, and whether there is reason to believe that there
// was nothing to report. trailer says that even a success has a trailer.
func (r *response) verify(trailer bool) error {
	values, announced := r.Trailer[trailerError]
	messages := make([]string, 0, len(values))
	for _, v := range values {
		if v != "" {
			messages = append(messages, v)
		}
	}
	if len(messages) > 0 {
		return r.streamError(messages)
	}
	if r.client.cfg.AllowUnverifiedStreams {
		return nil
	}
	if r.ContentLength < 0 && len(r.TransferEncoding) == 0 {
		return r.brokenError(errors.New("the body ended with the connection, so nobody can tell whether it was cut: " +
			"let the proxy speak HTTP/1.1 to the peer, or set AllowUnverifiedStreams"))
	}
	if trailer && announced && len(values) == 0 && r.StatusCode == 200 {
		return r.brokenError(errors.New("the announced X-Stream-Error trailer did not come: " +
			"let the proxy pass trailers, or set AllowUnverifiedStreams"))
	}
	return nil
}
