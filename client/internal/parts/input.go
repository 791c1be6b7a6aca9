package parts

import "io"

// input is the unparsed text of an upload, which arrives in pieces.
type input struct {
	// pull returns the next piece. It stays valid until the next call.
	pull func() ([]byte, error)
	text []byte // a part of the last piece, or of joined
	// joined holds the text that was left of one piece and the next piece.
	joined []byte
	err    error // of pull; final
}

// more appends the next piece to the text. It copies only if there is unparsed
// text, which is the beginning of a head or of a delimiter.
func (in *input) more() error {
	if in.err != nil {
		return in.err
	}
	left := len(in.text)
	in.joined = append(in.joined[:0], in.text...)
	piece, err := in.pull()
	if err != nil {
		in.err = err
		if err == io.EOF {
			in.err = io.ErrUnexpectedEOF // the closing delimiter is missing
		}
	}
	in.text = piece
	if left > 0 {
		in.joined = append(in.joined, piece...)
		in.text = in.joined
	}
	if len(piece) > 0 {
		return nil
	}
	return in.err
}

// skip removes the first n bytes of the text.
func (in *input) skip(n int) { in.text = in.text[n:] }
