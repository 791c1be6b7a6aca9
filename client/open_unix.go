//go:build unix

package client

import "syscall"

const openNonBlock = syscall.O_NONBLOCK
