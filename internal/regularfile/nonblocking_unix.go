//go:build unix

package regularfile

import "syscall"

// nonBlocking is the flag for opening a named pipe without waiting for a writer.
const nonBlocking = syscall.O_NONBLOCK
