package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxRequestHead is what a server with default settings accepts as
	// request line and headers: 4096 bytes and the slack that Go's HTTP
	// server adds.
	maxRequestHead = 8192
	// headSlack is left for what the HTTP library and a proxy add, such as
	// Transfer-Encoding and X-Forwarded-For.
	headSlack = 256
)

// target returns the URL of the request.
func (c *defaultClient) target(req *request) (*url.URL, error) {
	u := *c.endpoint.BaseURL
	// JoinPath and the like would clean the path, and forget its escapes.
	escaped := u.EscapedPath() + req.path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, invalid(req.op, "path %q: %w", req.path, err)
	}
	u.Path, u.RawPath, u.RawQuery = path, escaped, req.query
	return &u, nil
}

// checkHead refuses a request that the server would refuse for its size:
// sometimes with 431, sometimes not, depending on the connection (U13).
func checkHead(op Op, hreq *http.Request) error {
	if size := headSize(hreq); size > maxRequestHead {
		return invalid(op, "the request line and headers would take %d bytes, and servers accept %d: use fewer or shorter options", size, maxRequestHead)
	}
	return nil
}

// headSize returns how many bytes request line and headers take.
func headSize(hreq *http.Request) int {
	u := hreq.URL
	size := headSlack + len(hreq.Method) + len(u.EscapedPath()) + len("?") + len(u.RawQuery) + len("  HTTP/1.1\r\nHost: \r\n") + len(hreq.Host)
	for name, values := range hreq.Header {
		for _, v := range values {
			size += len(name) + len(": \r\n") + len(v)
		}
	}
	return size
}

// redirect returns where resp leads to, or why it is not followed. Another
// host is never followed to: the endpoint's credentials, certificates and
// connections are for its own.
func redirect(resp *http.Response, from *url.URL, method string) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if method != http.MethodGet {
			return nil, fmt.Errorf("a redirected %s would arrive as a GET: use the final address", method)
		}
	default:
		return nil, errors.New("not a redirect that can be followed")
	}
	location := resp.Header.Get("Location")
	next, err := from.Parse(location)
	if err != nil || location == "" {
		return nil, errors.New("redirected to nowhere: the Location is missing or malformed")
	}
	if !sameOrigin(next, from) {
		return nil, fmt.Errorf("redirected to another host: use the address %s if that is right", clean(next.Scheme+"://"+next.Host))
	}
	next.User, next.Fragment = nil, ""
	next.Host = from.Host
	if next.String() == from.String() {
		return nil, errors.New("redirected to itself")
	}
	return next, nil
}

// sameOrigin tells whether both URLs lead to the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// segment escapes s as one segment of a path.
func segment(s string) string { return url.PathEscape(s) }

// joinPath escapes each segment of a slash-separated path.
func joinPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = segment(p)
	}
	return strings.Join(parts, "/")
}
