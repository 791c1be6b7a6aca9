//go:build unix

package transport

import "syscall"

// Errors of a dial whose cause is, or may be, this machine.
var (
	// exhausted are the errors of a machine that has no descriptors or memory
	// left, or whose firewall or connection tracking refuses the connection.
	exhausted = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPERM}
	noPort    = []error{syscall.EADDRNOTAVAIL}
	noRoute   = []error{syscall.ENETUNREACH, syscall.ENETDOWN}
)
