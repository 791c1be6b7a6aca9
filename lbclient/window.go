package lbclient

import (
	"sync/atomic"
	"time"
)

// windowLength is how many seconds a window looks back: its last that many
// slots cover a little less, and with one more slot they cover a little more.
const windowLength = 10

// A slot of a window is packed into a word: the second that it is about (20
// bits, which is enough to tell it from the one 10 s ago), how many events
// there were (22) and how many of them were marked (22).
const (
	slotBits  = 22
	maxInSlot = 1<<slotBits - 1
	maxSecond = 1<<20 - 1
)

// window counts events of the last 10 seconds, and how many of them were
// marked. It is safe for concurrent use, without a lock. Times are since the
// pool's start.
type window struct {
	slots [windowLength + 1]atomic.Uint64
}

func (w *window) add(now time.Duration, events, marked uint64) {
	second := uint64(now/time.Second) & maxSecond
	slot := &w.slots[uint64(now/time.Second)%(windowLength+1)]
	for {
		old := slot.Load()
		n, m := events, marked
		if old>>(2*slotBits) == second {
			n += old >> slotBits & maxInSlot
			m += old & maxInSlot
		}
		if slot.CompareAndSwap(old, second<<(2*slotBits)|min(n, maxInSlot)<<slotBits|min(m, maxInSlot)) {
			return
		}
	}
}

// sum counts what is in the last seconds, of which the present one has just
// begun.
func (w *window) sum(now time.Duration, seconds uint64) (events, marked uint64) {
	second := uint64(now / time.Second)
	for i := range w.slots {
		slot := w.slots[i].Load()
		if (second-slot>>(2*slotBits))&maxSecond < seconds {
			events += slot >> slotBits & maxInSlot
			marked += slot & maxInSlot
		}
	}
	return events, marked
}

func (w *window) clear() {
	for i := range w.slots {
		w.slots[i].Store(0)
	}
}
