package strategy

import "sync/atomic"

// Exclusive is an optional interface of strategies that can serve only one load balancer
// at a time, because each call of SetClients replaces the clients of the one before. The
// strategies of this package implement it. A load balancer refuses a strategy that it
// cannot acquire.
type Exclusive interface {
	// Acquire reserves the strategy. It reports false if it is reserved already.
	Acquire() bool
	// Release undoes Acquire. The load balancer calls it when it is closed.
	Release()
}

// exclusive implements Exclusive for the strategy that it is embedded in.
type exclusive struct{ taken atomic.Bool }

// Acquire implements [Exclusive].
func (e *exclusive) Acquire() bool { return e.taken.CompareAndSwap(false, true) }

// Release implements [Exclusive].
func (e *exclusive) Release() { e.taken.Store(false) }
