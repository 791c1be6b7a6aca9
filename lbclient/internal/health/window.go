package health

import (
	"sync/atomic"
	"time"
)

// A slot of a window holds one second. It is packed into a word: the low 20 bits of the
// slot's second, the number of events (22 bits) and the number of marked ones (22 bits).
const (
	slotBits  = 22
	maxInSlot = 1<<slotBits - 1
	maxSecond = 1<<20 - 1
)

// Window counts the events of the last seconds, and separately those that are marked. It
// is safe for concurrent use and takes no lock.
//
// Because the current slot is not complete, a sum over n slots covers up to a second less
// than n seconds, and a sum over n+1 slots up to a second more.
type Window struct {
	slots []atomic.Uint64
}

// NewWindow returns a window of the given number of seconds, of which it has one slot
// more.
func NewWindow(seconds int) *Window { return &Window{slots: make([]atomic.Uint64, seconds+1)} }

// Add counts events at now, and the given number of marked ones.
func (w *Window) Add(now time.Duration, events, marked uint64) {
	second := uint64(now/time.Second) & maxSecond
	slot := &w.slots[uint64(now/time.Second)%uint64(len(w.slots))]
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

// Sum returns the numbers of events and marked events in the slots of the current second
// and of the seconds-1 before it.
func (w *Window) Sum(now time.Duration, seconds int) (events, marked uint64) {
	second := uint64(now / time.Second)
	for i := range w.slots {
		slot := w.slots[i].Load()
		if (second-slot>>(2*slotBits))&maxSecond < uint64(seconds) {
			events += slot >> slotBits & maxInSlot
			marked += slot & maxInSlot
		}
	}
	return events, marked
}

// Clear forgets all events.
func (w *Window) Clear() {
	for i := range w.slots {
		w.slots[i].Store(0)
	}
}
