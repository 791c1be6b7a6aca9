package lbclient

import (
	"sync/atomic"
	"time"
)

// windowLength is the length of a window in seconds; each slot holds one second. Because
// the current slot is not complete, the last windowLength slots cover up to a second less
// than the window, and the last windowLength+1 slots up to a second more.
const windowLength = 10

// A slot of a window is packed into a word: the low 20 bits of the slot's second, the
// number of events (22 bits) and the number of marked ones (22 bits).
const (
	slotBits  = 22
	maxInSlot = 1<<slotBits - 1
	maxSecond = 1<<20 - 1
)

// window counts the events of the last 10 seconds, and separately those that are marked.
// It is safe for concurrent use and takes no lock. Times are relative to the pool's
// start.
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

// sum returns the numbers of events and marked events in the slots of the current second
// and of the seconds-1 before it.
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
