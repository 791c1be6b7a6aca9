package transport

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// maxTunnelHead is the maximum size, in bytes, of a proxy's answer to CONNECT.
const maxTunnelHead = 64 << 10

// proxied connects to an endpoint through a proxy.
type proxied struct {
	url *url.URL   // with credentials
	via *netDialer // connects to the proxy
	// target is the host:port of the endpoint, which the proxy resolves. It is empty
	// if the HTTP proxy forwards single requests; the http.Transport then writes them
	// in the form that is for proxies, with the credentials.
	target string
}

// newProxied returns the proxy of cfg, or nil if there is none. plain connects to
// the proxy.
func newProxied(cfg *config.Config, addr config.Address, plain netDialer) (*proxied, error) {
	u, err := cfg.ForwardProxy()
	if u == nil {
		return nil, err
	}
	plain.addr = config.Address{Scheme: config.SchemeHTTP, Network: "tcp", HostPort: u.Host}
	p := &proxied{url: u, via: &plain}
	if addr.TLS || u.Scheme != config.SchemeHTTP {
		p.target = addr.HostPort
	}
	return p, nil
}

// requestProxy returns the proxy that the http.Transport must address its requests
// to, or nil if requests go to the endpoint.
func requestProxy(cfg *config.Config, addr config.Address) *url.URL {
	u, err := cfg.ForwardProxy()
	if err != nil || u == nil || addr.TLS || u.Scheme != config.SchemeHTTP {
		return nil
	}
	return u
}

// connect returns a connection to the endpoint, or to an HTTP proxy that forwards
// single requests.
func (p *proxied) connect(ctx context.Context) (net.Conn, error) {
	conn, err := p.via.connect(ctx)
	if err == nil && p.target != "" {
		if err = p.open(ctx, conn); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the proxy %s: %w", p.url.Host, err)
	}
	return conn, nil
}

// open asks the proxy, to which conn leads, for a connection to the target.
func (p *proxied) open(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	var err error
	if p.url.Scheme == config.SchemeHTTP {
		err = openTunnel(conn, p.url.User, p.target)
	} else {
		err = openSOCKS(ctx, conn, p.url.User, p.target)
	}
	switch {
	case !stop():
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		<-ctx.Done() // conn has the deadline of ctx
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// openTunnel asks an HTTP proxy, to which conn leads, for a tunnel to target.
func openTunnel(conn net.Conn, user *url.Userinfo, target string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{"User-Agent": {""}}}
	if user != nil {
		password, _ := user.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxTunnelHead))
	resp, err := http.ReadResponse(r, req) //nolint:bodyclose // closing would read the body; conn is closed or becomes the tunnel
	if err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return errors.New("it refused the tunnel (407): check the user name and password in Proxy")
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("it refused a tunnel to %s: %d %s", target, resp.StatusCode, http.StatusText(resp.StatusCode))
	case r.Buffered() > 0:
		return errors.New("it sent data before the tunnel was used")
	}
	return nil
}
