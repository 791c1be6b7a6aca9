// Package heldport keeps TCP ports for the servers of tests that are stopped and
// started again at the same address.
package heldport

// Number is the port's number.
func (h *Port) Number() int { return h.number }
