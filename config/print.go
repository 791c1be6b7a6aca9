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

// mask replaces secrets in printed Configs.
const mask = "***"

// String returns the settings that are not zero as JSON, with secrets masked.
func (c Config) String() string { return "config.Config" + toJSON(c.document()) }

// GoString returns String, so that %#v shows no secret.
func (c Config) GoString() string { return c.String() }

// Format writes String for every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue returns String as a slog.Value.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON returns JSON in the form that Load reads, but with secrets masked. Load
// refuses masked secrets. Settings without a JSON form (functions, the RoundTripper
// and the like) are omitted.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.document()) }

// String returns the settings that are not zero as JSON, with Key masked.
func (t TLS) String() string { return "config.TLS" + toJSON(t.document()) }

// GoString returns String, so that %#v shows no secret.
func (t TLS) GoString() string { return t.String() }

// Format writes String for every verb.
func (t TLS) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue returns String as a slog.Value.
func (t TLS) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON returns the JSON that Load reads, but with Key masked.
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

// maskURL masks the user, query and fragment of a URL, which may contain secrets.
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

// maskHost masks a Host that contains credentials. No Config with such a Host is
// valid.
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
