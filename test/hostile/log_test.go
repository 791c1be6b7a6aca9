package hostile

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// E15: bytes behind an answer made net/http write the peer's text to the log of the
// process. docs/security.md says what is left of that: one quoted line of at most
// 16 KiB of the text, and no line with DisableKeepAlives.
func TestBytesBehindAnAnswerAreOneLine(t *testing.T) {
	const (
		answer = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + `{"version":"1.1.6"}`
		text   = "forged\r\nlevel=error \x1b[2J"
	)
	for _, disable := range []bool{false, true} {
		var logged syncBuffer
		log.SetOutput(&logged)
		defer log.SetOutput(os.Stderr)
		addr, closed := answerOnce(t, answer+strings.Repeat(text, 10_000))
		c, err := client.NewDefaultClient(&config.Config{URL: "http://" + addr, DisableKeepAlives: disable})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Version(t.Context()); err != nil {
			t.Errorf("DisableKeepAlives %t: %v", disable, err)
		}
		// The client closes the connection after it has written to the log.
		select {
		case <-closed:
		case <-time.After(patience):
			t.Fatalf("DisableKeepAlives %t: the connection stays open", disable)
		}
		closeClient(t, "Version", c)
		lines := strings.Count(logged.String(), "\n")
		if want := map[bool]int{false: 1, true: 0}[disable]; lines != want {
			t.Errorf("DisableKeepAlives %t: %d lines, want %d: %.300q", disable, lines, want, logged.String())
		}
		if n := strings.Count(logged.String(), "forged"); n*len(text) > 16<<10 {
			t.Errorf("%d times %d bytes of the peer's text", n, len(text))
		}
		if strings.Contains(logged.String(), "\x1b") {
			t.Error("the text is not quoted")
		}
	}
}

// answerOnce starts a server that accepts one connection, sends wire in answer to the
// first request, and closes closed when the client has closed the connection.
func answerOnce(t *testing.T, wire string) (addr string, closed <-chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.WriteString(conn, wire)
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	return listener.Addr().String(), done
}
