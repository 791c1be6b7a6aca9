package transport_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
	"github.com/pinfleet/pinfleet/transport/internal/transporttest"
)

// forwarder is an HTTP and SOCKS proxy that connects to one address, whatever it is asked
// for. It wants the user name and password u and SECRET.
type forwarder struct {
	to string

	mu   sync.Mutex
	seen []string // what it was asked for
}

func (f *forwarder) see(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, what)
}

func (f *forwarder) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// startHTTP serves the HTTP proxy and returns its address.
func (f *forwarder) startHTTP(t *testing.T) string {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:SECRET"))
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Host = f.to
		r.Out.Header.Del("Proxy-Authorization")
	}}
	l := listen(t, "127.0.0.1:0")
	serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.see(r.Method + " " + r.RequestURI)
		switch {
		case r.Header.Get("Proxy-Authorization") != want:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method == http.MethodConnect:
			f.tunnel(w)
		default:
			forward.ServeHTTP(w, r)
		}
	}), nil)
	return l.Addr().String()
}

// tunnel answers CONNECT.
func (f *forwarder) tunnel(w http.ResponseWriter) {
	there, err := net.Dial("tcp", f.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connected\r\nX: y\r\n\r\n")
	splice(here, there)
}

// splice copies in both directions until one ends.
func splice(a, b net.Conn) {
	var both sync.WaitGroup
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = a.Close()
		_ = b.Close()
	}
	both.Go(func() { pipe(a, b) })
	both.Go(func() { pipe(b, a) })
	both.Wait()
}

// acceptAll handles each connection to l with handle until the test ends.
func acceptAll(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	var handling sync.WaitGroup
	handling.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handling.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		handling.Wait()
	})
	return l.Addr().String()
}

// startSOCKS serves the SOCKS proxy and returns its address.
func (f *forwarder) startSOCKS(t *testing.T) string {
	return acceptAll(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		head := make([]byte, 2)
		_, _ = io.ReadFull(r, head)
		methods := make([]byte, head[1])
		_, _ = io.ReadFull(r, methods)
		if !strings.Contains(string(methods), "\x02") {
			_, _ = conn.Write([]byte{5, 0xff})
			return
		}
		_, _ = conn.Write([]byte{5, 2})
		_, _ = r.ReadByte()
		user, password := field(r), field(r)
		if user != "u" || password != "SECRET" {
			_, _ = conn.Write([]byte{1, 1})
			return
		}
		_, _ = conn.Write([]byte{1, 0})
		request := make([]byte, 4)
		_, _ = io.ReadFull(r, request)
		var host string
		switch request[3] {
		case 1, 4:
			ip := make(net.IP, map[byte]int{1: 4, 4: 16}[request[3]])
			_, _ = io.ReadFull(r, ip)
			host = ip.String()
		case 3:
			host = field(r)
		}
		_, _ = io.ReadFull(r, make([]byte, 2))
		f.see("SOCKS " + host)
		there, err := net.Dial("tcp", f.to)
		if err != nil {
			_, _ = conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		// The address in the reply is a name, which is allowed.
		_, _ = conn.Write([]byte("\x05\x00\x00\x03\x04here\x00\x01"))
		splice(conn, there)
	})
}

// field reads a string behind its length.
func field(r *bufio.Reader) string {
	n, _ := r.ReadByte()
	b := make([]byte, n)
	_, _ = io.ReadFull(r, b)
	return string(b)
}

// Both kinds of proxy lead to http and https peers. The proxy resolves the peer's name, and
// the certificate is still that of the peer.
func TestProxy(t *testing.T) {
	plain := startHTTP(t, http.HandlerFunc(echo))
	ca := newAuthority(t)
	secure := listen(t, "127.0.0.1:0")
	serve(t, secure, http.HandlerFunc(echo), ca.serverTLS(t, "peer.test"))
	for _, test := range []struct {
		kind, url, want string
	}{
		{"http", "http://peer.test:9094", "POST http://peer.test:9094/x"},
		{"http", "https://peer.test", "CONNECT peer.test:443"},
		{"socks5", "http://peer.test:9094", "SOCKS peer.test"},
		{"socks5h", "https://peer.test", "SOCKS peer.test"},
		{"socks5", "http://10.1.2.3", "SOCKS 10.1.2.3"},
		{"socks5", "http://[2001:db8::1]", "SOCKS 2001:db8::1"},
		{"http", "http://127.0.0.1:1", "POST http://127.0.0.1:1/x"}, // where the proxy runs
	} {
		f := &forwarder{to: plain.Config.Host}
		cfg := &config.Config{URL: test.url}
		if strings.HasPrefix(test.url, "https") {
			f.to, cfg.TLS.CA = secure.Addr().String(), ca.pem
		}
		at := ""
		if test.kind == "http" {
			at = f.startHTTP(t)
		} else {
			at = f.startSOCKS(t)
		}
		cfg.Proxy = test.kind + "://u:SECRET@" + at
		ep := transporttest.Open(t, cfg)
		for _, sent := range []string{"hello", "", ""} {
			method, body := http.MethodGet, io.Reader(nil)
			if sent != "" {
				method, body = http.MethodPost, strings.NewReader(sent)
			}
			resp, err := transporttest.Do(t, t.Context(), ep, method, "/x", body)
			if err != nil {
				t.Errorf("%s, %s: %v", test.kind, test.url, err)
				break
			}
			if b, err := io.ReadAll(resp.Body); string(b) != sent || err != nil || resp.Header.Get("X-Proxy-Authorization") != "" {
				t.Errorf("%s, %s: %q, %v", test.kind, test.url, b, err)
			}
			_ = resp.Body.Close()
		}
		// The POST has a connection of its own, the two GETs share one. A proxy that gets the
		// requests themselves is asked for each.
		want := 2
		if strings.HasPrefix(test.want, http.MethodPost) {
			want = 3
		}
		if seen := f.asked(); len(seen) != want || seen[0] != test.want {
			t.Errorf("%s, %s: the proxy was asked for %q", test.kind, test.url, seen)
		}
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Proxy-Authorization", r.Header.Get("Proxy-Authorization"))
	_, _ = io.Copy(w, r.Body)
}

// A proxy that refuses, fails, is silent or speaks another protocol makes a DialError, which
// shows no credentials.
func TestProxyFails(t *testing.T) {
	f := &forwarder{to: "127.0.0.1:1"} // nothing listens there
	says := func(text string) string {
		return acceptAll(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1000))
			_, _ = io.WriteString(conn, text)
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	hangsUp := acceptAll(t, func(net.Conn) {})
	for _, test := range []struct {
		proxy, text string
	}{
		{"http://u:SECRET@127.0.0.1:1", "connection refused"},
		{"http://x:SECRET@" + f.startHTTP(t), "(407): check the user name"},
		{"http://u:SECRET@" + f.startHTTP(t), "refused a tunnel to peer.test:443: 502"},
		{"http://u:SECRET@" + says("SSH-2.0\r\n"), "malformed"},
		{"http://u:SECRET@" + says("HTTP/1.1 200 OK\r\n\r\nhello"), "sent data before"},
		{"http://u:SECRET@" + says("HTTP/1.1 101 Switching\r\n\r\n"), "101"},
		{"http://u:SECRET@" + says("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)), "unexpected EOF"},
		{"http://u:SECRET@" + says(""), "no connection within"},
		{"http://u:SECRET@" + hangsUp, ""},
		{"socks5://u:SECRET@127.0.0.1:1", "connection refused"},
		{"socks5://" + f.startSOCKS(t), "no acceptable authentication"},
		{"socks5://x:SECRET@" + f.startSOCKS(t), "authentication failed"},
		{"socks5://u:SECRET@" + f.startSOCKS(t), "did not connect to peer.test:443: check the address, user name and password in Proxy: unknown error connection refused"},
		{"socks5://u:SECRET@" + says("HTTP/1.1 400 Bad Request\r\n"), "protocol version 72"},
		{"socks5://" + says("\x05\x00\x04\x00\x00\x01"), "protocol version 4"},
		{"socks5://" + says("\x05\x00\x05\x63\x00\x01"), "code: 99"},
		{"socks5://" + says("\x05\x00\x05\x00\x00\x09"), "address type 9"},
		{"socks5://" + says("\x05\x02"), "no connection within"},
		{"socks5://u:SECRET@" + says("\x05"), "no connection within"},
		{"socks5://u:SECRET@" + hangsUp, ""},
	} {
		_, err := id(t, &config.Config{URL: "https://peer.test", Proxy: test.proxy, DialTimeout: time.Second})
		var dial *transport.DialError
		if !errors.As(err, &dial) || dial.Local || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), "the proxy 127.0.0.1:") {
			t.Errorf("%s: %v, want %q", test.proxy, err, test.text)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v shows the credentials", err)
		}
	}
}

// Closing the endpoint ends a dial that waits for a silent proxy.
func TestCloseEndsAProxysDial(t *testing.T) {
	asked := make(chan struct{}, 1)
	silent := acceptAll(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1000))
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	for _, kind := range []string{"http", "socks5"} {
		ep := transporttest.Open(t, &config.Config{URL: "https://peer.test", Proxy: kind + "://" + silent})
		go func() {
			<-asked
			_ = ep.Close()
		}()
		if _, err := transporttest.Do(t, t.Context(), ep, http.MethodGet, "/id", nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
