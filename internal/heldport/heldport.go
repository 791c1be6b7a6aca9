// Package heldport reserves TCP ports for test servers that stop and restart at
// the same address.
package heldport

// Number returns the port number.
func (h *Port) Number() int { return h.number }
