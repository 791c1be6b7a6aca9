//go:build unix

package client

import "syscall"

// openGuarded makes opening a file neither wait nor follow a symlink.
const openGuarded = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
