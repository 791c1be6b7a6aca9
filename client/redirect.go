package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// redirect returns the target of the redirect resp, or an error that says why the
// client does not follow it. It never returns another host, because the
// endpoint's credentials, certificates and connections are for its own host.
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
		return nil, errors.New("the Location of the redirect is missing or malformed")
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

// sameOrigin reports whether both URLs have the same scheme, host and port.
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
