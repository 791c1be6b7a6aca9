package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"

	"github.com/pinfleet/pinfleet/internal/wirejson"
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

// stream decodes the documents of a body one by one. Servers send one a line;
// any other layout is understood, too, but takes longer.
type stream struct {
	ahead   readAhead
	decoder wirejson.Decoder
	begun   bool
	// array says that the body is one array, or null, of an old server.
	array bool
	dec   *json.Decoder // of the array
	limit int           // of an item, in bytes
}

func newStream(body io.Reader) *stream {
	return &stream{ahead: readAhead{src: body}, limit: maxItem}
}

// next decodes the next document into v. io.EOF is the proper end.
func (s *stream) next(v any) error {
	if !s.begun {
		s.begun = true
		if err := s.begin(); err != nil {
			return err
		}
	}
	if s.array {
		return s.element(v)
	}
	document, err := s.document()
	if err != nil {
		return err
	}
	if s.decoder.Decode(document, v) {
		s.ahead.skip(len(document))
		return nil
	}
	return s.decode(v)
}

// begin looks what the body is: an array, null for an empty one, or documents
// one after another.
func (s *stream) begin() error {
	s.ahead.left = s.limit
	text, err := s.ahead.text()
	if err != nil {
		return err
	}
	if text[0] != '[' && text[0] != 'n' {
		return nil
	}
	s.array = true
	s.ahead.left = s.limit
	s.dec = json.NewDecoder(&s.ahead)
	if _, err := s.dec.Token(); err != nil {
		return unexpectedEnd(err)
	}
	if text[0] == 'n' {
		return s.atEnd()
	}
	return nil
}

// document returns the next document, if its end can be told without parsing,
// which is so for those that servers send. Of another one, or of none, it
// returns what is there.
func (s *stream) document() ([]byte, error) {
	s.ahead.left = s.limit - len(s.ahead.pending())
	text, err := s.ahead.text()
	if err != nil {
		return nil, err
	}
	var e extent
	for text[0] == '{' {
		if n := e.end(text); n > 0 {
			return text[:n], nil
		}
		err := s.ahead.fill()
		text = s.ahead.pending()
		if err != nil {
			break
		}
	}
	return text, nil //nolint:nilerr // who decodes text meets the error again
}

// decode decodes the next document whatever it looks like.
func (s *stream) decode(v any) error {
	s.ahead.left = s.limit
	dec := json.NewDecoder(&s.ahead)
	if err := dec.Decode(v); err != nil {
		return err
	}
	rest, err := io.ReadAll(dec.Buffered())
	s.ahead.unread(rest)
	return err
}

// element decodes the next element of the array.
func (s *stream) element(v any) error {
	s.ahead.left = maxSpace
	if s.dec.More() {
		s.ahead.left = s.limit
		return unexpectedEnd(s.dec.Decode(v))
	}
	if _, err := s.dec.Token(); err != nil { // the closing bracket
		return unexpectedEnd(err)
	}
	return s.atEnd()
}

// atEnd returns io.EOF if there is nothing left.
func (s *stream) atEnd() error {
	s.ahead.left = maxSpace
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
