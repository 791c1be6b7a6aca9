package heldport

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// Port reserves a TCP port while nothing listens on it, so that a stopped
// server can listen on it again. It is a bound socket that never listens.
// Connections to the port are refused, and the kernel does not assign it to a
// socket that asks for any free port, but a server can still listen on it.
type Port struct {
	number int
	fd     int
}

// Hold reserves a port of host, an IP address. Port 0 means any free port.
func Hold(host string, port int) (*Port, error) {
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
	held := &Port{fd: fd}
	if err := held.bind(local); err != nil {
		_ = held.Release()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return held, nil
}

func (h *Port) bind(local syscall.Sockaddr) error {
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
		h.number = bound.Port
	case *syscall.SockaddrInet6:
		h.number = bound.Port
	}
	return nil
}

// Release ends the reservation.
func (h *Port) Release() error { return os.NewSyscallError("close", syscall.Close(h.fd)) }
