package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/pinfleet/pinfleet/internal/nilness"
)

// Validate reports all mistakes in c at once, joined with errors.Join, one sentence
// each. It reads the files that TLS names.
func (c *Config) Validate() error {
	addr, err := c.Address()
	errs := []error{err}
	if err == nil {
		errs = append(errs, c.CheckCleartext(addr), c.checkTLS(addr), c.checkLibp2p(addr), c.checkRoundTripper(), c.checkProxy(addr))
	}
	if len(c.ProxyAddr) > 0 {
		_, err := c.ProxyAddress()
		errs = append(errs, err)
	}
	errs = append(errs, c.checkCredentials(), c.checkHeaders(), c.checkDurations(), c.Web.check())
	if c.MaxHeaderBytes < 0 {
		errs = append(errs, errors.New("MaxHeaderBytes is negative"))
	}
	if c.Weight < 0 {
		errs = append(errs, errors.New("the Weight is negative"))
	}
	return prefixed(errs)
}

// prefixed joins errs after adding the package's name in front of each.
func prefixed(errs []error) error {
	for i, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			errs[i] = prefixed(joined.Unwrap())
		} else if err != nil {
			errs[i] = fmt.Errorf("config: %w", err)
		}
	}
	return errors.Join(errs...)
}

// problems collects the errors of a check.
type problems []error

func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func (c *Config) checkTLS(addr Address) error {
	if c.TLS.isZero() {
		return nil
	}
	if !addr.mayUseTLS() {
		return fmt.Errorf("TLS settings are given, but %s does not use TLS: set SSL, or write https in the address", addr)
	}
	_, err := c.TLS.ClientConfig()
	return err
}

func (c *Config) checkLibp2p(addr Address) error {
	if len(c.ProtectorKey) == 0 {
		return nil
	}
	if len(c.ProtectorKey) != protectorKeyLen {
		return fmt.Errorf("ProtectorKey has %d bytes instead of %d", len(c.ProtectorKey), protectorKeyLen)
	}
	if addr.Scheme != SchemeP2P && addr.Scheme != SchemeDNSAddr {
		return fmt.Errorf("ProtectorKey is set, but %s is no libp2p address: it would protect nothing", addr)
	}
	if c.Libp2pHost != nil {
		return errors.New("ProtectorKey and Libp2pHost are both set: the host has its own key, or none")
	}
	return nil
}

const protectorKeyLen = 32

func (c *Config) checkRoundTripper() error {
	if c.RoundTripper == nil {
		return nil
	}
	if nilness.Is(c.RoundTripper) {
		return fmt.Errorf("RoundTripper is a nil %T: leave it out for the built-in transport", c.RoundTripper)
	}
	if !c.TLS.isZero() || len(c.ProtectorKey) > 0 || c.Libp2pHost != nil {
		return errors.New("RoundTripper replaces the built-in transport: TLS, ProtectorKey and Libp2pHost would have no effect")
	}
	return nil
}

func (c *Config) checkDurations() error {
	if c.MintTTL < 0 {
		return errors.New("MintTTL is negative")
	}
	return nil
}

// checkHeaders returns an error for header fields that are malformed, that the
// client sets itself, or that would change the framing of messages.
func (c *Config) checkHeaders() error {
	var wrong problems
	for name, values := range c.Headers {
		if why, ok := reservedHeaders[textproto.CanonicalMIMEHeaderKey(name)]; ok {
			wrong.addf("the field %s may not be in Headers: %s", name, why)
		}
		if !validHeaderName(name) {
			wrong.addf("a field of Headers has the malformed name %q", name)
		}
		for _, v := range values {
			if !validHeaderValue(v) {
				wrong.addf("the field %q of Headers has a malformed value: control characters are not allowed", name)
			}
		}
	}
	if !validHeaderValue(c.UserAgent) {
		wrong.addf("UserAgent contains control characters")
	}
	return errors.Join(wrong...)
}

const byClient = "the client sets it itself"

var reservedHeaders = map[string]string{
	"Authorization":     "use Username and Password, or a token",
	"User-Agent":        "use UserAgent",
	"Host":              "it follows from the address and TLS.ServerName",
	"Accept-Encoding":   "answers are read as they come",
	"Content-Length":    byClient,
	"Content-Type":      byClient,
	"Connection":        byClient,
	"Expect":            byClient,
	"Keep-Alive":        byClient,
	"Proxy-Connection":  byClient,
	"Te":                byClient,
	"Trailer":           byClient,
	"Transfer-Encoding": byClient,
	"Upgrade":           byClient,
}

// validHeaderName reports whether s is a token (RFC 9110, section 5.6.2), as the
// name of a header field must be.
func validHeaderName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlnum(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// validHeaderValue reports whether s may be the value of a header field (RFC 9110,
// section 5.5).
func validHeaderValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}
