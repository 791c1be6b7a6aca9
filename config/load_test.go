package config

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	const text = `{
		"api_addr": "/dns4/h/tcp/9094/https", "ssl": true, "base_path": "/base",
		"tls": {"ca": "CA", "cert_file": "c", "key_file": "k", "server_name": "s"},
		"username": "u", "password": "p", "mint_ttl": "1h", "allow_cleartext_auth": true,
		"headers": {"X-A": ["1", "2"]}, "user_agent": "ua",
		"protector_key": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"proxy_addr": "/ip4/1.2.3.4/tcp/9095",
		"dial_timeout": "1s", "header_timeout": "2s", "idle_timeout": "3s", "timeout": "-1ns",
		"max_header_bytes": 16384, "proxy": "socks5://u:p@1.2.3.4", "max_conn_age": "4s", "tcp_user_timeout": "5s",
		"disable_keep_alives": true, "weight": 2, "allow_unverified_streams": true, "buffered_adds": true, "skip_verify": true,
		"web": {"hosts": ["example.com", "*.example.org"], "public_only": true, "max_bytes": 1000}
	}`
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	want := &Config{
		APIAddr: maddr(t, "/dns4/h/tcp/9094/https"), SSL: true, BasePath: "/base",
		TLS:      TLS{CA: []byte("CA"), CertFile: "c", KeyFile: "k", ServerName: "s"},
		Username: "u", Password: "p", MintTTL: time.Hour, AllowCleartextAuth: true,
		Headers: http.Header{"X-A": {"1", "2"}}, UserAgent: "ua",
		ProtectorKey: key, ProxyAddr: maddr(t, "/ip4/1.2.3.4/tcp/9095"),
		DialTimeout: time.Second, HeaderTimeout: 2 * time.Second, IdleTimeout: 3 * time.Second, Timeout: -1,
		MaxHeaderBytes: 16384, Proxy: "socks5://u:p@1.2.3.4", MaxConnAge: 4 * time.Second, TCPUserTimeout: 5 * time.Second,
		DisableKeepAlives: true, Weight: 2, AllowUnverifiedStreams: true, BufferedAdds: true, SkipVerify: true,
		Web: WebPolicy{Hosts: []string{"example.com", "*.example.org"}, PublicOnly: true, MaxBytes: 1000},
	}
	got, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v", got, want)
	}
	var list []*Config
	if err := json.Unmarshal([]byte("["+text+","+text+"]"), &list); err != nil || len(list) != 2 || !reflect.DeepEqual(list[1], want) {
		t.Errorf("got %v, error %v", list, err)
	}
	if c, err := Load(strings.NewReader("{}")); err != nil || !reflect.DeepEqual(c, &Config{}) {
		t.Errorf("empty object: %v, %v", c, err)
	}
}

// Load reads the JSON that a Config without secrets prints.
func TestLoadOfPrinted(t *testing.T) {
	c := &Config{URL: "https://h/base", SSL: true, TLS: TLS{CA: []byte("CA"), Insecure: true}, IdleTimeout: time.Minute, Weight: 3}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(bytes.NewReader(b))
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%s became %v, error %v", b, got, err)
	}
	for _, c := range []*Config{{Password: "p"}, {Token: "t"}, {TLS: TLS{Key: []byte("k")}}, {Headers: http.Header{"Cookie": {"c"}}}, {ProtectorKey: make([]byte, 32)}, {Proxy: "http://u:p@h"}} {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(bytes.NewReader(b)); err == nil {
			t.Errorf("%s was loaded", b)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		``:                                   "EOF",
		`[]`:                                 "cannot unmarshal",
		`{} {}`:                              "more after",
		`{} x`:                               "more after",
		`{"api_adr":"/ip4/1.2.3.4/tcp/1"}`:   `the key "api_adr" is not known`,
		`{"tls":{"caa":"x"}}`:                `the key "caa" is not known`,
		`{"api_addr":"/ip4/1.2.3.4/tcp/x"}`:  "api_addr",
		`{"api_addr":"x","proxy_addr":"y"}`:  "proxy_addr",
		`{"dial_timeout":10}`:                `such as "10s"`,
		`{"dial_timeout":"10"}`:              `such as "10s"`,
		`{"protector_key":"SECRET"}`:         "64 hexadecimal digits",
		`{"password":"***"}`:                 "put in the secret",
		`{"tls":{"key":"***"}}`:              "put in the secret",
		`{"proxy":"http://***@h"}`:           "put in the secret",
		`{"headers":{"Cookie":["a","***"]}}`: "put in the secret",
	} {
		_, err := Load(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), reason) || !strings.HasPrefix(err.Error(), "config: ") {
			t.Errorf("%s: error is %v, want %q", text, err, reason)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v has a secret", err)
		}
	}
}

func TestFromEnv(t *testing.T) {
	env := func(vars map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			v, ok := vars[name]
			return v, ok
		}
	}
	got, err := FromEnv(env(nil))
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], &Config{}) {
		t.Errorf("empty environment: %v, error %v", got, err)
	}
	got, err = FromEnv(env(map[string]string{
		"PINFLEET_API":              "/ip4/1.2.3.4/tcp/9094, https://u:p@h/base,,localhost:9094",
		"PINFLEET_TIMEOUT":          "10s",
		"PINFLEET_INSECURE":         "true",
		"PINFLEET_BUFFERED_ADDS":    "true",
		"PINFLEET_SKIP_VERIFY":      "1",
		"PINFLEET_SSL":              "",
		"PINFLEET_PROXY":            "http://1.2.3.4:3128",
		"PINFLEET_MAX_CONN_AGE":     "1m",
		"PINFLEET_TCP_USER_TIMEOUT": "-1s",
		"PINFLEET_MAX_HEADER_BYTES": "20000",
		"PINFLEET_PROXY_ADDR":       "/ip4/1.2.3.4/tcp/1",
		"PINFLEET_HEADER_TIMEOUT":   "-1s",
	}))
	template := Config{
		Timeout: 10 * time.Second, Proxy: "http://1.2.3.4:3128", MaxConnAge: time.Minute, TCPUserTimeout: -time.Second, MaxHeaderBytes: 20000,
		TLS: TLS{Insecure: true}, ProxyAddr: maddr(t, "/ip4/1.2.3.4/tcp/1"), HeaderTimeout: -time.Second, BufferedAdds: true, SkipVerify: true,
	}
	want := []*Config{template.Clone(), template.Clone(), template.Clone()}
	want[0].APIAddr = maddr(t, "/ip4/1.2.3.4/tcp/9094")
	want[1].URL, want[1].Username, want[1].Password = "https://h/base", "u", "p"
	want[2].Host = "localhost:9094"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, error %v, want %v", got, err, want)
	}

	got, err = FromEnv(env(map[string]string{"PINFLEET_BASIC_AUTH": "u:p:q"}))
	if err != nil || got[0].Username != "u" || got[0].Password != "p:q" {
		t.Errorf("got %v, error %v", got, err)
	}

	_, err = FromEnv(env(map[string]string{
		"PINFLEET_API":              "/ip4/1.2.3.4,http://u:SECRET@h?x,ftp://u:SECRET@h",
		"PINFLEET_BASIC_AUTH":       "SECRET",
		"PINFLEET_PROTECTOR_KEY":    "SECRET",
		"PINFLEET_INSECURE":         "maybe",
		"PINFLEET_TIMEOUT":          "10",
		"PINFLEET_PROXY_ADDR":       "x",
		"PINFLEET_MAX_HEADER_BYTES": "many",
	}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"API: ", "element 1", "element 2", "element 3", "BASIC_AUTH: ", "PROTECTOR_KEY: ", "INSECURE: ", "_TIMEOUT: ", "PROXY_ADDR: ", "MAX_HEADER_BYTES: "} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v\ndoes not have %q", err, name)
		}
	}
	if n := strings.Count(err.Error(), "config: "); n != 7 {
		t.Errorf("%v\nhas %d prefixes, want 7", err, n)
	}
	if strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v has a secret", err)
	}
	_, err = FromEnv(env(map[string]string{"PINFLEET_API": "http://u:p@localhost", "PINFLEET_TOKEN": "t"}))
	if err == nil {
		t.Error("two credentials: no error")
	}
}
