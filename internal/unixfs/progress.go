package unixfs

import "io"

// progressStep is the number of bytes between two progress events.
const progressStep = 256 * 1024

// progressReader emits the number of bytes read of a file: each time
// progressStep more bytes were read, and each time a read returns io.EOF.
type progressReader struct {
	r              io.Reader
	emit           func(read uint64) error
	read, reported uint64
	// err is the error of emit. Later reads return it again, because a caller that
	// has all the bytes that it wanted may ignore an error.
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
