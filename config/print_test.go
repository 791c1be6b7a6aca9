package config

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// secretive returns a Config whose secrets all contain "SECRET" (or, in the
// protector key, its hexadecimal form).
func secretive() Config {
	return Config{
		URL:          "https://SECRET:SECRET@host/base?SECRET=SECRET#SECRET",
		Proxy:        "http://SECRET:SECRET@proxy.test:3128",
		Username:     "user",
		Password:     "SECRET-password",
		Token:        "SECRET-token",
		ProtectorKey: []byte("SECRETSECRETSECRETSECRETSECRETSE"),
		Headers: http.Header{
			"Authorization":       {"SECRET"},
			"proxy-authorization": {"SECRET"},
			"Cookie":              {"SECRET", "SECRET"},
			"X-Auth-Token":        {"SECRET"},
			"X-Open":              {"visible"},
		},
		TLS: TLS{Key: []byte("SECRET"), CAFile: "ca.pem"},
	}
}

func TestSecretsAreMasked(t *testing.T) {
	c := secretive()
	var out bytes.Buffer
	for _, v := range []any{c, &c, c.TLS, &c.TLS, []*Config{&c}, []Config{c}, map[string]Config{"a": c}, struct{ C Config }{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10v"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		_ = json.NewEncoder(&out).Encode(v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	fmt.Fprintln(&out, c.String(), c.GoString(), errors.Join(fmt.Errorf("%v", &c)))
	text := out.String()
	for _, secret := range []string{"SECRET", hex.EncodeToString([]byte("SECRET")), fmt.Sprint([]byte("SECRET"))[1:18], "U0VDUkVU"} {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%q shows in …%s…", secret, text[max(0, i-80):min(len(text), i+40)])
		}
	}
	for _, visible := range []string{"user", "visible", "ca.pem", "host/base", mask} {
		if !strings.Contains(text, visible) {
			t.Errorf("%q does not show", visible)
		}
	}
}

func TestUnparsableURLIsMasked(t *testing.T) {
	for _, url := range []string{"http://u:SECRET@h:x", "mailto:SECRET", "http://u:SECRET@[::1", "%SECRET"} {
		if got := (Config{URL: url}).String(); strings.Contains(got, "SECRET") {
			t.Errorf("%s", got)
		}
	}
}

// Credentials in a Host, as in me:password@host:9094 (an element of PINFLEET_API
// without its http://), were printed, and the error that refused them quoted them.
// The first part of a password with #, / or ? in a URL was exposed in the same way,
// because net/url parses it as a port.
func TestMisplacedCredentialsAreMasked(t *testing.T) {
	for _, at := range []string{
		"me:SECRET@host", "me:SECRET@host:9094", "http://me:SECRET@host",
		"http://me:SECRET#@host", "http://me:SECRET/@host", "https://me:SECRET?@host",
	} {
		for _, c := range []Config{{Host: at}, {URL: at}} {
			err := c.Validate()
			if text := fmt.Sprint(c, err); err == nil || strings.Contains(text, "SECRET") {
				t.Errorf("%s: %s", at, text)
			}
		}
		if cfgs, err := ParseAddrs(at); strings.Contains(fmt.Sprint(cfgs, err), "SECRET") {
			t.Errorf("%s as an element of a list: %v, %v", at, cfgs, err)
		}
	}
}

func TestPrintIsShort(t *testing.T) {
	if got := fmt.Sprintf("%+v", &Config{}); got != "config.Config{}" {
		t.Errorf("zero Config prints %s", got)
	}
	if got, want := (Config{APIAddr: defaultAPIAddr, DialTimeout: 1e10}).String(), `config.Config{"api_addr":"/ip4/127.0.0.1/tcp/9094","dial_timeout":"10s"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := fmt.Sprint((*Config)(nil)); got != "<nil>" {
		t.Errorf("nil prints %s", got)
	}
}
