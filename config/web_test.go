package config

import (
	"net/netip"
	"strings"
	"testing"
)

// PublicOnly permits public addresses, and none of the others.
func TestPublicOnly(t *testing.T) {
	p := &WebPolicy{PublicOnly: true}
	for _, list := range []struct {
		ips    string
		public bool
	}{
		{"1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 172.15.0.1 172.32.0.1 192.0.1.1 192.167.0.1 198.17.0.1 " +
			"198.20.0.1 223.255.255.255 2606:4700::1111 2001:200::1 2001:4860:4860::8888 2a00::1 ::ffff:8.8.8.8", true},
		{"0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 " +
			"192.0.2.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 " +
			":: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 fe80::1 fe80::1%eth0 2606:4700::1111%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ff0e::1 " +
			"64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 2002:7f00:1:: 2001::1 2001:10::1 2001:20::1 2001:db8::1 3fff::1 100::1 5f00::1 4000::1", false},
	} {
		for text := range strings.FieldsSeq(list.ips) {
			ip := netip.MustParseAddr(text)
			if got := p.PermitsIP(ip); got != list.public {
				t.Errorf("%s: public is %t", text, got)
			}
			if !(&WebPolicy{}).PermitsIP(ip) {
				t.Errorf("%s: refused without a policy", text)
			}
		}
	}
}

func TestPermittedHosts(t *testing.T) {
	p := &WebPolicy{Hosts: []string{"Example.com", "*.example.org", "192.0.2.1", "2001:DB8:0::1"}}
	for _, list := range []struct {
		hosts     string
		permitted bool
	}{
		{"example.com EXAMPLE.com example.com. a.example.org A.b.example.ORG. 192.0.2.1 2001:db8::1", true},
		{"a.example.com example.com.evil.test notexample.com example.org .example.org badexample.org 192.0.2.2 3221225985 2001:db8::2 evil.test", false},
	} {
		for host := range strings.FieldsSeq(list.hosts) {
			if got := p.PermitsHost(host); got != list.permitted {
				t.Errorf("%s: permitted is %t", host, got)
			}
			if !(&WebPolicy{}).PermitsHost(host) {
				t.Errorf("%s: refused without a policy", host)
			}
		}
	}
}

func TestWebPolicyIsValidated(t *testing.T) {
	for _, p := range []WebPolicy{{}, {Refuse: true}, {Hosts: []string{"a", "*.b", "::1"}, PublicOnly: true, MaxBytes: 1}} {
		if err := (&Config{Web: p}).Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for text, p := range map[string]WebPolicy{
		"Web.Refuse is set together": {Refuse: true, PublicOnly: true},
		"Web.MaxBytes is negative":   {MaxBytes: -1},
		`Web.Hosts: host name "h:1"`: {Hosts: []string{"h:1"}},
		`contains '*'`:               {Hosts: []string{"a.*.b"}},
		`contains '/'`:               {Hosts: []string{"h/x"}},
		"is empty":                   {Hosts: []string{""}},
	} {
		if err := (&Config{Web: p}).Validate(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v, want %q", p, err, text)
		}
	}
}
