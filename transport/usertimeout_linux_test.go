package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// userTimeoutOf returns the option of a connection, in milliseconds.
func userTimeoutOf(t *testing.T, conn net.Conn) (ms int) {
	t.Helper()
	if tc, ok := conn.(*tls.Conn); ok {
		conn = tc.NetConn()
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return ms
}

// C3: a pooled connection to a machine that had vanished broke only after 15 minutes,
// because keep-alive does not run while data is not acknowledged. The option limits that.
// It must not apply to an upload: it would end one whose peer is alive but has not accepted
// data for so long, because it also counts the time for which the peer's window is closed.
func TestTCPUserTimeout(t *testing.T) {
	for name, start := range map[string]transporttest.Start{"http": startHTTP, "https": startHTTPS} {
		s := start(t, http.HandlerFunc(nothing))
		for d, want := range map[time.Duration]int{0: 30_000, time.Minute: 60_000, 100 * time.Microsecond: 1, -1: 0} {
			cfg := s.Config.Clone()
			cfg.TCPUserTimeout = d
			for method, body := range map[string]io.Reader{http.MethodGet: nil, http.MethodPost: strings.NewReader("x")} {
				ep, want := transporttest.Open(t, cfg), want
				if body != nil {
					want = 0
				}
				req, err := http.NewRequestWithContext(t.Context(), method, ep.BaseURL.JoinPath("/x").String(), body)
				if err != nil {
					t.Fatal(err)
				}
				got := -1
				req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
					GotConn: func(info httptrace.GotConnInfo) { got = userTimeoutOf(t, info.Conn) },
				}))
				resp, err := ep.RoundTripper.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if got != want {
					t.Errorf("%s, %s, TCPUserTimeout %s: %d ms, want %d", name, method, d, got, want)
				}
			}
		}
	}
}
