package client

const (
	// firstBlock is the size of the first block, in bytes. A small upload needs no
	// other.
	firstBlock = 8 << 10
	// largeBlock is the maximum size of a block, in bytes. Each full block becomes
	// one chunk of the request.
	largeBlock = 256 << 10
	// maxBlocks is the maximum number of blocks in the buffer.
	maxBlocks = 3
)

// blocks is a FIFO byte buffer made of fixed blocks. A slice returned by room is
// valid until the next call of fill, and one returned by piece until the next call
// of empty.
type blocks struct {
	list    [][]byte // oldest first; the last one has room up to its capacity
	emptied int      // number of bytes consumed from the oldest block
	held    int      // number of bytes at the end that piece does not return yet
	size    int      // size of the newest block, in bytes
	spare   [][]byte // blocks for reuse: consumed ones of size largeBlock, or a first one
}

// room returns the free space for the next bytes, or nil if all blocks are full.
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

// next returns an empty block: a spare one, or one that is four times as large as
// the one before, up to largeBlock.
func (b *blocks) next() []byte {
	if n := len(b.spare); n > 0 {
		last := b.spare[n-1]
		b.spare = b.spare[:n-1]
		b.size = max(b.size, cap(last))
		return last[:0]
	}
	b.size = min(max(firstBlock, 4*b.size), largeBlock)
	return make([]byte, 0, b.size)
}

// fill appends the first n bytes of the slice that room returned.
func (b *blocks) fill(n int) {
	last := &b.list[len(b.list)-1]
	*last = (*last)[:len(*last)+n]
}

// piece returns the oldest bytes that are contiguous, without those that are held.
func (b *blocks) piece() []byte {
	if len(b.list) == 0 {
		return nil
	}
	held := b.held
	for _, newer := range b.list[1:] {
		held -= len(newer)
	}
	return b.list[0][b.emptied : len(b.list[0])-max(0, held)]
}

// empty removes the first n bytes of the slice that piece returned.
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
