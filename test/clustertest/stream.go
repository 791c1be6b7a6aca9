package clustertest

import (
	"context"
	"net/http"
)

const streamErrorTrailer = "X-Stream-Error"

// A source passes its items to emit, one at a time, and returns its errors,
// joined. It stops when emit fails, and may omit that error.
type source func(ctx context.Context, emit func(item any) error) error

// stream sends the items of a source, each as one document and one chunk. The
// first event decides the status: 200 for an item, 204 for the end, 500 for an
// error. Later errors are sent in the trailer.
func (p *Peer) stream(w http.ResponseWriter, r *http.Request, src source) {
	if p.c.opts.Legacy&LegacyArrays != 0 {
		p.sendArray(w, r, src)
		return
	}
	w.Header().Set("Trailer", streamErrorTrailer)
	p.setHeaders(w)
	s := itemWriter{w: w, flush: http.NewResponseController(w).Flush, enc: encoder{ids: p.c.ids}, legacy: p.c.opts.Legacy}
	err := src(r.Context(), func(item any) error {
		if err := r.Context().Err(); err != nil {
			s.err = err
			return err
		}
		return s.write(item)
	})
	switch {
	case s.items == 0 && err != nil:
		p.sendError(w, errorList(err)[0])
	case s.items == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		first := ""
		if s.err != nil {
			first = s.err.Error()
		}
		w.Header().Add(streamErrorTrailer, first)
		for _, e := range errorList(err) {
			w.Header().Add(streamErrorTrailer, e.Error())
		}
	}
}

// sendArray sends the items as one array, like servers before v1.0.0.
func (p *Peer) sendArray(w http.ResponseWriter, r *http.Request, src source) {
	var all []any
	err := src(r.Context(), func(item any) error {
		all = append(all, p.c.opts.Legacy.convert(item))
		return r.Context().Err()
	})
	send(p, w, all, err)
}

// itemWriter writes documents and flushes after each.
type itemWriter struct {
	w      http.ResponseWriter
	flush  func() error
	enc    encoder
	legacy Legacy
	items  int
	err    error // of the first failed write
}

func (s *itemWriter) write(item any) error {
	if s.items == 0 {
		s.w.WriteHeader(http.StatusOK)
	}
	s.items++
	document, err := s.enc.document(s.legacy.convert(item))
	if err == nil {
		_, err = s.w.Write(document)
	}
	if err == nil {
		err = s.flush()
	}
	if err != nil && s.err == nil {
		s.err = err
	}
	return err
}

// errorList returns the parts of a joined error.
func errorList(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
