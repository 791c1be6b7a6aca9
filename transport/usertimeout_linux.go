package transport

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// setUserTimeout sets the time after which the system closes conn if the data that
// was sent is not acknowledged. 0 selects the system's default. It does nothing if
// conn is neither TCP nor TLS over TCP, or if the system does not support the option.
func setUserTimeout(conn net.Conn, d time.Duration) {
	if tc, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = tc.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	// Rounded up, because 0 has another meaning.
	ms := int((d + time.Millisecond - 1) / time.Millisecond)
	// A connection without the option works, too.
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, ms)
	})
}
