package p2p

import (
	"net"
	"strings"
	"sync"
)

// conn is a stream as a net.Conn whose Close also calls release.
type conn struct {
	net.Conn
	release func() error
	once    sync.Once
	err     error
}

// Close resets the stream in both directions. Closing the stream instead would block
// a server that is still sending, because no one reads its data. Resetting loses
// nothing: net/http closes a connection only when it expects no more data, or to
// abort an exchange.
func (c *conn) Close() error {
	c.once.Do(func() {
		if s, ok := c.Conn.(interface{ Reset() error }); ok {
			c.err = s.Reset()
		} else {
			c.err = c.Conn.Close()
		}
		_ = c.release()
	})
	return c.err
}

// dialError prints libp2p's multi-line error in one line.
type dialError struct{ err error }

func (e *dialError) Error() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(e.err.Error(), "\n  *", ";")), " ")
}

func (e *dialError) Unwrap() error { return e.err }
