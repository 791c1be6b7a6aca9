//go:build !unix

package transport

// Errors of a dial whose cause is, or may be, this machine. They are not known here.
var exhausted, noPort, noRoute []error
