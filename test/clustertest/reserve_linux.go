package clustertest

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// heldPort keeps a TCP port while nothing listens on it, so that a stopped peer
// finds it free when it starts again: a socket that is bound and never listens
// refuses connections, and keeps the kernel from giving the port to others, but
// not an explicit listener from using it.
type heldPort struct {
	port int
	fd   int
}

// reservePort holds a port of the host, any free one for 0.
func reservePort(host string, port int) (*heldPort, error) {
	addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	family := syscall.AF_INET6
	var local syscall.Sockaddr
	if ip := addr.IP.To4(); ip != nil {
		family, local = syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte(ip)}
	} else {
		local = &syscall.SockaddrInet6{Port: port, Addr: [16]byte(addr.IP.To16())}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	held := &heldPort{fd: fd}
	if err := held.bind(local); err != nil {
		_ = held.release()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return held, nil
}

func (h *heldPort) bind(local syscall.Sockaddr) error {
	if err := syscall.SetsockoptInt(h.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := syscall.Bind(h.fd, local); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := syscall.Getsockname(h.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		h.port = bound.Port
	case *syscall.SockaddrInet6:
		h.port = bound.Port
	}
	return nil
}

func (h *heldPort) release() error { return os.NewSyscallError("close", syscall.Close(h.fd)) }
