package parts

import (
	"io"
)

// replaceBuffer is the size of the buffer of Replace, in bytes.
const replaceBuffer = 32 << 10

// Replace returns the upload in src, which must have exactly one part, with the
// content of that part replaced by what change returns for it.
func Replace(boundary string, src io.Reader, change func(content io.Reader) (io.Reader, error)) io.Reader {
	buf := make([]byte, replaceBuffer)
	return &replaced{change: change, r: newReader(boundary, func() ([]byte, error) {
		n, err := src.Read(buf)
		return buf[:n], err
	})}
}

// replaced is the reader that Replace returns.
type replaced struct {
	r       *reader
	change  func(io.Reader) (io.Reader, error)
	text    []byte    // to be returned next
	content io.Reader // follows text; nil before the part and after it
	end     error     // follows both
}

// Read implements io.Reader.
func (r *replaced) Read(p []byte) (int, error) {
	for {
		switch {
		case len(r.text) > 0:
			n := copy(p, r.text)
			r.text = r.text[n:]
			return n, nil
		case r.end != nil:
			return 0, r.end
		case r.content == nil:
			r.end = r.begin()
		default:
			n, err := r.content.Read(p)
			if err == io.EOF {
				err = nil
				r.end = r.finish()
			}
			if n > 0 || err != nil {
				return n, err
			}
		}
	}
}

// begin sets text to the head of the part, and content. If change fails, there is no
// text, so that nothing of the upload is sent.
func (r *replaced) begin() error {
	head, err := r.r.next()
	if err != nil {
		return err
	}
	text := append(append(append(r.text, r.r.dashes()...), r.r.delimiter[:r.r.eol]...), head...)
	if r.content, err = r.change(r.r); err != nil {
		return err
	}
	r.text = text
	return nil
}

// finish sets text to the closing delimiter. It returns io.EOF if there is no
// other part.
func (r *replaced) finish() error {
	_, err := r.r.next()
	if err == nil {
		return errUnread
	}
	if err == io.EOF {
		r.text = append(append(append(r.text, r.r.delimiter...), "--"...), r.r.delimiter[:r.r.eol]...)
	}
	return err
}
