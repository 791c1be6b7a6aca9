package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pinfleet/pinfleet/config"
)

// A server that answered 101 and then nothing made every call hang for ever:
// net/http hands over the connection as the body of such an answer, and no
// context and no timeout ends a read of it. The request must fail instead, and
// the connection is closed without reading from it.
func TestSwitchingProtocols(t *testing.T) {
	for name, body := range map[string]io.Reader{"without a body": nil, "with a body": strings.NewReader("hello"), "with an endless body": zeroes{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipes()
				ended := make(chan error, 1)
				go func() {
					conn, err := p.Accept()
					if err != nil {
						ended <- err
						return
					}
					defer conn.Close()
					r := bufio.NewReader(conn)
					if _, err := http.ReadRequest(r); err != nil {
						ended <- err
						return
					}
					_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
					if err == nil {
						_, err = io.Copy(io.Discard, r)
					}
					ended <- err
				}()
				ep := dialledBy(t, &config.Config{}, p)
				defer ep.Close()
				resp, err := do(t, context.Background(), ep, http.MethodPost, body)
				if resp != nil || !errors.Is(err, errSwitched) {
					t.Errorf("%v, %v", resp, err)
				}
				if err := <-ended; err != nil {
					t.Errorf("the connection did not just end: %v", err)
				}
			})
		})
	}
}
