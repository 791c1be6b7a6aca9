package client

const (
	// firstBlock is all that a small upload needs of memory, in bytes.
	firstBlock = 8 << 10
	// largeBlock is the most that blocks grow to, in bytes. Each block that was
	// filled becomes one chunk of the request.
	largeBlock = 128 << 10
	// maxBlocks bounds how many blocks are read ahead.
	maxBlocks = 3
)

// blocks is a buffer that is filled at one end and emptied at the other. What
// room and piece return stays where it is until it is filled or emptied.
type blocks struct {
	list    [][]byte // the oldest first; the last one has room up to its capacity
	emptied int      // of the oldest, in bytes
	size    int      // of the last one that was made, in bytes
	spare   [][]byte // large ones that were emptied
}

// room returns where to put bytes, nothing if all blocks are full.
func (b *blocks) room() []byte {
	if n := len(b.list); n > 0 {
		if last := b.list[n-1]; len(last) < cap(last) {
			return last[len(last):cap(last)]
		}
		if n == maxBlocks {
			return nil
		}
	}
	next := b.next()
	b.list = append(b.list, next)
	return next[:cap(next)]
}

// next returns an empty block, four times as large as the one before.
func (b *blocks) next() []byte {
	if n := len(b.spare); n > 0 {
		last := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return last[:0]
	}
	b.size = min(max(firstBlock, 4*b.size), largeBlock)
	return make([]byte, 0, b.size)
}

// fill says that n bytes were put at the beginning of room.
func (b *blocks) fill(n int) {
	last := &b.list[len(b.list)-1]
	*last = (*last)[:len(*last)+n]
}

// piece returns the oldest bytes, as many as there are in one place.
func (b *blocks) piece() []byte {
	if len(b.list) == 0 {
		return nil
	}
	return b.list[0][b.emptied:]
}

// empty says that the first n bytes of piece are done with.
func (b *blocks) empty(n int) {
	oldest := b.list[0]
	if b.emptied += n; b.emptied < cap(oldest) {
		return
	}
	b.emptied = 0
	b.list = append(b.list[:0], b.list[1:]...)
	if cap(oldest) == largeBlock {
		b.spare = append(b.spare, oldest)
	}
}
