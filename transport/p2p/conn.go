package p2p

import (
	"net"
	"strings"
	"sync"
)

// conn is a stream as a net.Conn.
type conn struct {
	net.Conn
	release func() error
	once    sync.Once
	err     error
}

// Close resets the stream, in both directions. To close it, as streams can be
// closed, would leave a server that is sending blocked for ever, because nobody
// would read what it sends; and HTTP closes a connection only when nothing is
// expected on it, or to abort an exchange.
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

// dialError brings libp2p's report of several lines into one.
type dialError struct{ err error }

func (e *dialError) Error() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(e.err.Error(), "\n  *", ";")), " ")
}

func (e *dialError) Unwrap() error { return e.err }
