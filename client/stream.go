package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
)

const (
	// maxItem bounds one item of a stream, in bytes. An item holds a peer map,
	// so that it grows with the cluster.
	maxItem = 16 << 20
	// maxSpace bounds the white space between the items of an array, in bytes:
	// the decoder takes quadratic time for it.
	maxSpace = 4 << 10
)

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
		if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusNoContent {
			yield(nil, r.statusError(errors.New("a listing comes with status 200 or 204")))
			return
		}
		s := newStream(r.Body)
		for {
			item := new(T)
			switch err := r.next(s, item); {
			case err == io.EOF:
				if err := r.verify(s); err != nil {
					yield(nil, err)
				}
				return
			case err != nil:
				yield(nil, r.brokenError(err))
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// next decodes the next item of a streamed body, unless the call is over.
func (r *response) next(s *stream, item any) error {
	if r.ctx.Err() != nil {
		return contextError(r.ctx)
	}
	if err := s.next(item); err != nil {
		return err
	}
	return checkResult(item)
}

// stream decodes the documents of a body one by one.
type stream struct {
	body  boundedReader
	dec   *json.Decoder
	begun bool
	// array says that the body is one array, or null, of an old server.
	array bool
	limit int // of an item, in bytes
}

func newStream(body io.Reader) *stream {
	s := &stream{body: boundedReader{r: body}, limit: maxItem}
	s.dec = json.NewDecoder(&s.body)
	return s
}

// next decodes the next document into v. io.EOF is the proper end.
func (s *stream) next(v any) error {
	s.body.left = s.limit
	if !s.begun {
		s.begun = true
		if err := s.begin(); err != nil {
			return err
		}
	}
	if !s.array {
		return s.dec.Decode(v)
	}
	s.body.left = maxSpace
	if s.dec.More() {
		s.body.left = s.limit
		return unexpectedEnd(s.dec.Decode(v))
	}
	if _, err := s.dec.Token(); err != nil { // the closing bracket
		return unexpectedEnd(err)
	}
	return s.atEnd()
}

// begin looks what the body is: an array, null for an empty one, or documents
// one after another.
func (s *stream) begin() error {
	first, err := s.body.peek()
	if err != nil {
		return err
	}
	switch first {
	case '[':
		s.array = true
		_, err := s.dec.Token()
		return err
	case 'n':
		s.array = true
		if _, err := s.dec.Token(); err != nil {
			return unexpectedEnd(err)
		}
		return s.atEnd()
	}
	return nil
}

// atEnd returns io.EOF if there is nothing left.
func (s *stream) atEnd() error {
	s.body.left = maxSpace
	_, err := s.dec.Token()
	if err == nil {
		return errors.New("data behind the end of the listing")
	}
	return err
}

// unexpectedEnd makes an end in the middle of a document an error.
func unexpectedEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// boundedReader fails once a document has taken more than was left.
type boundedReader struct {
	r     io.Reader
	left  int
	ahead []byte // the byte that peek has read, not yet delivered
}

var errItemTooLarge = fmt.Errorf("an item of more than %d MiB, or too much space around it", maxItem>>20)

func (b *boundedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.left <= 0 {
		return 0, errItemTooLarge
	}
	if len(b.ahead) > 0 {
		n := copy(p, b.ahead)
		b.ahead = b.ahead[n:]
		return n, nil
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

// peek returns the first byte that is not white space, without consuming it.
func (b *boundedReader) peek() (byte, error) {
	var one [1]byte
	for {
		n, err := b.Read(one[:])
		if n == 0 && err == nil {
			continue
		}
		if n == 0 {
			return 0, err
		}
		switch one[0] {
		case ' ', '\t', '\r', '\n':
		default:
			b.ahead = []byte{one[0]}
			return one[0], nil
		}
	}
}
