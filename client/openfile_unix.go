//go:build unix

package client

import "syscall"

// openGuarded are the flags for opening without waiting for the writer of a pipe
// and without following a symlink.
const openGuarded = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
