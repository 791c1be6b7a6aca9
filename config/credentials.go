package config

import (
	"errors"
	"fmt"
	"strings"
)

// CheckCleartext returns an error if requests to addr would carry credentials over
// an unencrypted connection to another machine. It returns nil if
// AllowCleartextAuth is set. Validate calls it for the Config's own address.
// The addresses that a /dnsaddr/ address resolves to are checked when dialled.
//
// The name localhost counts as this machine only for the built-in transport, which
// does not resolve it. A RoundTripper may resolve it to any machine. With a Proxy,
// no address counts as this machine.
func (c *Config) CheckCleartext(addr Address) error {
	switch {
	case c.AllowCleartextAuth || addr.Scheme != SchemeHTTP || !c.hasCredentials():
		return nil
	case c.Proxy != "":
		return fmt.Errorf("credentials for %s would be sent unencrypted to the Proxy and beyond: use https, or set AllowCleartextAuth", addr)
	case c.RoundTripper != nil && addr.IsLocalhost():
		return fmt.Errorf("credentials would be sent unencrypted to %s, which the RoundTripper may resolve to another machine: write 127.0.0.1 or ::1 instead of the name, use https, or set AllowCleartextAuth", addr)
	case addr.IsLoopback():
		return nil
	}
	return fmt.Errorf("credentials would be sent unencrypted to %s: use https, or set AllowCleartextAuth", addr)
}

func (c *Config) hasCredentials() bool {
	return c.Username != "" || c.Password != "" || c.Token != "" || c.TokenFunc != nil || hasSecretHeader(c.Headers)
}

// checkCredentials returns an error if more than one way of authentication is
// configured, or if one is incomplete.
func (c *Config) checkCredentials() error {
	var wrong problems
	var bearer []string
	for _, b := range []struct {
		name  string
		isSet bool
	}{
		{"Token", c.Token != ""},
		{"TokenFunc", c.TokenFunc != nil},
		{"FetchToken", c.FetchToken},
		{"MintTTL", c.MintTTL > 0},
	} {
		if b.isSet {
			bearer = append(bearer, b.name)
		}
	}
	needsUser := c.FetchToken || c.MintTTL > 0
	hasUser := c.Username != "" || c.Password != ""
	switch {
	case len(bearer) > 1:
		wrong.addf("%s are set together: choose one way of getting a bearer token", strings.Join(bearer, ", "))
	case len(bearer) == 1 && hasUser && !needsUser:
		wrong.addf("%s is set together with Username or Password: a request carries one of them only", bearer[0])
	case needsUser && !hasUser:
		wrong.addf("%s needs Username and Password", bearer[0])
	}
	if hasUser && (c.Username == "" || c.Password == "") {
		wrong.addf("one of Username and Password is empty: the server accepts neither without the other")
	}
	if strings.Contains(c.Username, ":") && c.MintTTL <= 0 {
		wrong.addf("the Username contains a colon, which Basic credentials cannot express")
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		wrong.addf("the Token contains a space, a control or a non-ASCII character: give the bare token, without \"Bearer\" or a line end")
	}
	return errors.Join(wrong...)
}
