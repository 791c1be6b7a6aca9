package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// Values of the SOCKS protocol, version 5 (RFC 1928 and RFC 1929).
const (
	socksVersion     = 5
	socksNoAuth      = 0
	socksPassword    = 2
	socksAuthVersion = 1
	socksConnect     = 1
	socksIPv4        = 1
	socksName        = 3
	socksIPv6        = 4
)

// socksReplies holds the errors of a SOCKS proxy, by code.
var socksReplies = [...]string{
	1: "general failure",
	2: "its rules do not allow the connection",
	3: "the network is unreachable",
	4: "the host is unreachable",
	5: "the connection was refused",
	6: "the packets expired on their way",
	7: "it does not support the command",
	8: "it does not support the kind of address",
}

// openSOCKS asks a SOCKS proxy, to which conn leads, for a connection to target.
func openSOCKS(conn net.Conn, user *url.Userinfo, target string) error {
	request, err := socksRequest(target)
	if err != nil {
		return err
	}
	if err := socksLogin(conn, user); err != nil {
		return err
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	reply := make([]byte, 4) // version, code, reserved, kind of address
	if _, err := io.ReadFull(conn, reply); err != nil {
		return err
	}
	switch code := int(reply[1]); {
	case reply[0] != socksVersion:
		return errNotSOCKS
	case code != 0 && code < len(socksReplies):
		return fmt.Errorf("it did not connect to %s: %s", target, socksReplies[code])
	case code != 0:
		return fmt.Errorf("it did not connect to %s: code %d", target, code)
	}
	return skipSOCKSAddress(conn, reply[3])
}

var errNotSOCKS = errors.New("it does not speak SOCKS 5")

// socksRequest returns the request for a connection to target. The proxy resolves a
// name in it.
func socksRequest(target string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, err
	}
	request := []byte{socksVersion, socksConnect, 0}
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Unmap().Is4():
		request = append(request, socksIPv4)
		request = append(request, ip.Unmap().AsSlice()...)
	case err == nil:
		request = append(request, socksIPv6)
		request = append(request, ip.AsSlice()...)
	case len(host) > 255:
		return nil, fmt.Errorf("the name %.20s… has more than 255 bytes", host)
	default:
		request = append(request, socksName, byte(len(host)))
		request = append(request, host...)
	}
	return append(request, byte(port>>8), byte(port)), nil
}

// socksLogin agrees on a method of authentication, and sends the credentials if the
// proxy asks for them.
func socksLogin(conn net.Conn, user *url.Userinfo) error {
	hello := []byte{socksVersion, 1, socksNoAuth}
	if user != nil {
		hello = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	answer := make([]byte, 2)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	switch {
	case answer[0] != socksVersion:
		return errNotSOCKS
	case answer[1] == socksNoAuth:
		return nil
	case answer[1] != socksPassword || user == nil:
		return errors.New("it wants another authentication: check the user name and password in Proxy")
	}
	password, _ := user.Password()
	login := []byte{socksAuthVersion, byte(len(user.Username()))}
	login = append(login, user.Username()...)
	login = append(login, byte(len(password)))
	login = append(login, password...)
	if _, err := conn.Write(login); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if answer[1] != 0 {
		return errors.New("it refused the user name and password in Proxy")
	}
	return nil
}

// skipSOCKSAddress reads the address in a reply, which is of no interest.
func skipSOCKSAddress(conn net.Conn, kind byte) error {
	size := 0
	switch kind {
	case socksIPv4:
		size = net.IPv4len
	case socksIPv6:
		size = net.IPv6len
	case socksName:
		length := make([]byte, 1)
		if _, err := io.ReadFull(conn, length); err != nil {
			return err
		}
		size = int(length[0])
	default:
		return errNotSOCKS
	}
	_, err := io.ReadFull(conn, make([]byte, size+2)) // and the port
	return err
}
