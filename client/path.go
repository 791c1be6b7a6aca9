package client

import (
	"net/url"
	"strings"
)

// target returns the URL of the request.
func (c *defaultClient) target(req *request) (*url.URL, error) {
	u := *c.endpoint.BaseURL
	// URL.JoinPath would clean the path and lose its escapes.
	escaped := u.EscapedPath() + req.path
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, invalid(req.op, "path %q: %w", req.path, err)
	}
	u.Path, u.RawPath, u.RawQuery = path, escaped, req.query
	return &u, nil
}

// segment escapes s as one path segment.
func segment(s string) string { return url.PathEscape(s) }

// joinPath escapes each segment of a slash-separated path.
func joinPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = segment(p)
	}
	return strings.Join(parts, "/")
}
