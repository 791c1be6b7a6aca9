package config

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// mask stands for a secret in print.
const mask = "***"

// String shows the settings that differ from their zero value, secrets masked.
func (c Config) String() string { return "config.Config" + toJSON(c.document()) }

// GoString is String: also %#v shows no secret.
func (c Config) GoString() string { return c.String() }

// Format prints String for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue logs String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the keys that Load understands, secrets masked. What Load
// cannot express (functions, the RoundTripper and the like) is left out.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.document()) }

// String shows the settings that differ from their zero value, the key masked.
func (t TLS) String() string { return "config.TLS" + toJSON(t.document()) }

// GoString is String.
func (t TLS) GoString() string { return t.String() }

// Format prints String for every verb.
func (t TLS) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue logs String.
func (t TLS) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON writes the keys that Load understands, the key masked.
func (t TLS) MarshalJSON() ([]byte, error) { return json.Marshal(t.document()) }

func toJSON(document any) string {
	b, err := json.Marshal(document)
	if err != nil {
		return fmt.Sprintf("{%v}", err)
	}
	return string(b)
}

func masked(secret bool) string {
	if secret {
		return mask
	}
	return ""
}

// maskURL hides the parts of a URL in which secrets are put.
func maskURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return mask
	}
	if u.User != nil {
		u.User = url.User(mask)
	}
	if u.RawQuery != "" {
		u.RawQuery = mask
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = mask, ""
	}
	return u.String()
}

// maskHost hides a Host in which credentials were put. No Config with such a
// Host is valid.
func maskHost(host string) string {
	if strings.Contains(host, "@") {
		return mask
	}
	return host
}

func maskHeaders(h http.Header) http.Header {
	if len(h) == 0 {
		return nil
	}
	m := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			if secretHeader(name) {
				v = mask
			}
			m[name] = append(m[name], v)
		}
	}
	return m
}
