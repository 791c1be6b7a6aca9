package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// FromEnv returns the Configs that environment variables describe. lookup is
// usually os.LookupEnv. An empty variable counts as missing.
//
//	PINFLEET_API                   addresses, as for ParseAddrs; default: /ip4/127.0.0.1/tcp/9094
//	PINFLEET_BASIC_AUTH            user:password
//	PINFLEET_TOKEN                 a bearer token
//	PINFLEET_ALLOW_CLEARTEXT_AUTH  true or false
//	PINFLEET_SSL                   true or false; SSL
//	PINFLEET_CA_FILE               TLS.CAFile
//	PINFLEET_CERT_FILE             TLS.CertFile
//	PINFLEET_KEY_FILE              TLS.KeyFile
//	PINFLEET_SERVER_NAME           TLS.ServerName
//	PINFLEET_INSECURE              true or false; TLS.Insecure
//	PINFLEET_BASE_PATH             BasePath
//	PINFLEET_USER_AGENT            UserAgent
//	PINFLEET_PROTECTOR_KEY         64 hexadecimal digits
//	PINFLEET_PROXY_ADDR            a multiaddress
//	PINFLEET_BUFFERED_ADDS         true or false; BufferedAdds
//	PINFLEET_SKIP_VERIFY           true or false; SkipVerify
//	PINFLEET_PROXY                 the URL of an HTTP or SOCKS proxy
//	PINFLEET_MAX_HEADER_BYTES      a number; MaxHeaderBytes
//	PINFLEET_DIAL_TIMEOUT          a duration such as 10s
//	PINFLEET_HEADER_TIMEOUT        a duration
//	PINFLEET_IDLE_TIMEOUT          a duration
//	PINFLEET_TIMEOUT               a duration
//	PINFLEET_MAX_CONN_AGE          a duration
//	PINFLEET_TCP_USER_TIMEOUT      a duration
//
// The error of FromEnv names every malformed variable. FromEnv does not call
// Validate.
func FromEnv(lookup func(string) (string, bool)) ([]*Config, error) {
	if lookup == nil {
		return nil, errors.New("config: no lookup function: give os.LookupEnv")
	}
	e := env{lookup: lookup}
	template := &Config{
		Token:              e.text("TOKEN"),
		AllowCleartextAuth: e.bool("ALLOW_CLEARTEXT_AUTH"),
		SSL:                e.bool("SSL"),
		BasePath:           e.text("BASE_PATH"),
		TLS: TLS{
			CAFile:     e.text("CA_FILE"),
			CertFile:   e.text("CERT_FILE"),
			KeyFile:    e.text("KEY_FILE"),
			ServerName: e.text("SERVER_NAME"),
			Insecure:   e.bool("INSECURE"),
		},
		UserAgent:     e.text("USER_AGENT"),
		BufferedAdds:  e.bool("BUFFERED_ADDS"),
		SkipVerify:    e.bool("SKIP_VERIFY"),
		DialTimeout:   e.duration("DIAL_TIMEOUT"),
		HeaderTimeout: e.duration("HEADER_TIMEOUT"),
		IdleTimeout:   e.duration("IDLE_TIMEOUT"),
		Timeout:       e.duration("TIMEOUT"),

		MaxHeaderBytes: e.int("MAX_HEADER_BYTES"),
		Proxy:          e.text("PROXY"),
		MaxConnAge:     e.duration("MAX_CONN_AGE"),
		TCPUserTimeout: e.duration("TCP_USER_TIMEOUT"),
	}
	if auth := e.text("BASIC_AUTH"); auth != "" {
		var ok bool
		if template.Username, template.Password, ok = strings.Cut(auth, ":"); !ok {
			e.fail("BASIC_AUTH", errors.New("it must have the form user:password"))
		}
	}
	var err error
	if template.ProtectorKey, err = parseProtectorKey(e.text("PROTECTOR_KEY")); err != nil {
		e.fail("PROTECTOR_KEY", err)
	}
	if text := e.text("PROXY_ADDR"); text != "" {
		if template.ProxyAddr, err = multiaddr.NewMultiaddr(text); err != nil {
			e.fail("PROXY_ADDR", err)
		}
	}
	cfgs := e.addresses(template)
	if err := errors.Join(e.errs...); err != nil {
		return nil, err
	}
	return cfgs, nil
}

// env reads environment variables and collects their errors.
type env struct {
	lookup func(string) (string, bool)
	errs   []error
}

func (e *env) fail(name string, err error) {
	e.errs = append(e.errs, fmt.Errorf("config: PINFLEET_%s: %w", name, err))
}

func (e *env) text(name string) string {
	v, _ := e.lookup("PINFLEET_" + name)
	return v
}

func (e *env) bool(name string) bool {
	text := e.text(name)
	if text == "" {
		return false
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		e.fail(name, fmt.Errorf("%q is neither true nor false", text))
	}
	return v
}

func (e *env) duration(name string) time.Duration {
	text := e.text(name)
	if text == "" {
		return 0
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		e.fail(name, fmt.Errorf("%q is not a duration such as 10s", text))
	}
	return v
}

func (e *env) int(name string) int {
	text := e.text(name)
	if text == "" {
		return 0
	}
	v, err := strconv.Atoi(text)
	if err != nil {
		e.fail(name, fmt.Errorf("%q is not a number", text))
	}
	return v
}

// addresses returns a copy of template for each address of PINFLEET_API, or
// template itself if there is none.
func (e *env) addresses(template *Config) []*Config {
	list := e.text("API")
	if list == "" {
		return []*Config{template}
	}
	cfgs, err := parseAddrs(list, template)
	if err != nil {
		e.fail("API", err)
		return nil
	}
	for _, c := range cfgs {
		if (c.Username != template.Username || c.Password != template.Password) && (template.Username != "" || template.Token != "") {
			e.fail("API", errors.New("a URL has credentials, and so has another variable: keep one of them"))
		}
	}
	return cfgs
}
