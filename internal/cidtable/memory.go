package cidtable

import (
	"sync/atomic"
	"unsafe"
)

// mappedBytes is the size from which on the slots of a segment are outside of the Go heap.
const mappedBytes = 32 << 10

// Memory counts the memory of tables that is outside of the Go heap. The zero value has
// counted nothing. It is safe for concurrent use.
type Memory struct{ mapped atomic.Int64 }

// Mapped returns the number of bytes outside of the Go heap that tables hold now.
func (m *Memory) Mapped() int64 { return m.mapped.Load() }

// slots is the memory of a segment: 64-bit words that are zero at first.
type slots struct {
	words []uint64
	pages []byte // the same memory if it is outside of the Go heap, else nil
}

// allocate returns n words. The Go heap is used if there are few, or if the system has no
// other memory.
func (m *Memory) allocate(n int) slots {
	if size := n * int(unsafe.Sizeof(uint64(0))); size >= mappedBytes {
		if pages := mapPages(size); pages != nil {
			m.mapped.Add(int64(size))
			words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(pages))), n) //nolint:gosec // pages has n words, and begins at one
			return slots{words, pages}
		}
	}
	return slots{words: make([]uint64, n)}
}

// free releases s, which must not be used after that.
func (m *Memory) free(s slots) {
	if s.pages != nil {
		unmapPages(s.pages)
		m.mapped.Add(-int64(len(s.pages)))
	}
}
