package unixfs

import "io"

// progressStep is how many bytes are read between two progress events.
const progressStep = 256 * 1024

// progressReader emits how much was read of a file: whenever progressStep more
// bytes were, and each time the end of the file is seen.
type progressReader struct {
	r              io.Reader
	emit           func(read uint64) error
	read, reported uint64
	// err is what emit failed with. It is returned again, because a reader may
	// drop an error that comes with all the bytes it wanted.
	err error
}

func (p *progressReader) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.r.Read(b)
	p.read += uint64(n)
	if p.read-p.reported < progressStep && err != io.EOF {
		return n, err
	}
	p.reported = p.read
	if p.err = p.emit(p.read); p.err != nil {
		return n, p.err
	}
	return n, err
}
