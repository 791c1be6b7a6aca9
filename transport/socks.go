package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"golang.org/x/net/proxy"
)

// openSOCKS asks a SOCKS proxy, to which conn leads, for a connection to target. The
// proxy resolves a name in it.
func openSOCKS(ctx context.Context, conn net.Conn, user *url.Userinfo, target string) error {
	var auth *proxy.Auth
	if user != nil {
		password, _ := user.Password()
		auth = &proxy.Auth{User: user.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", "", auth, connected{conn})
	if err != nil {
		return err
	}
	// The result is conn in a wrapper that adds only the address that the proxy uses.
	_, err = dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", target)
	if err == nil {
		return nil
	}
	// An OpError would repeat the addresses.
	if op := new(net.OpError); errors.As(err, &op) && op.Op == "socks connect" {
		err = op.Err
	}
	return fmt.Errorf("it did not connect to %s: check the address, user name and password in Proxy: %w", target, err)
}

// connected is a dialer that returns a connection which exists already.
type connected struct{ conn net.Conn }

// Dial implements proxy.Dialer.
func (c connected) Dial(string, string) (net.Conn, error) { return c.conn, nil }

// DialContext implements proxy.ContextDialer.
func (c connected) DialContext(context.Context, string, string) (net.Conn, error) { return c.conn, nil }
