package pyxistest

import (
	"fmt"
	"os"
	"syscall"
)

// heldPort keeps a TCP port of 127.0.0.1 while nothing listens on it, so that a
// stopped node finds it free when it starts again, and a client that dials it
// meanwhile is refused: a socket that is bound and never listens keeps the kernel
// from giving the port to others, but not an explicit listener from using it.
type heldPort struct{ port, fd int }

// reservePort holds a port, any free one for 0.
func reservePort(port int) (*heldPort, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	held := &heldPort{fd: fd}
	if err := held.bind(port); err != nil {
		_ = held.release()
		return nil, fmt.Errorf("%s:%d: %w", host, port, err)
	}
	return held, nil
}

func (h *heldPort) bind(port int) error {
	if err := syscall.SetsockoptInt(h.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(h.fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(h.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	if inet, ok := bound.(*syscall.SockaddrInet4); ok {
		h.port = inet.Port
	}
	return nil
}

func (h *heldPort) release() error { return os.NewSyscallError("close", syscall.Close(h.fd)) }
