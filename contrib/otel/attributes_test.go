package otel

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
)

func TestEndpointAttributes(t *testing.T) {
	for name, want := range map[string][2]string{
		"/ip4/127.0.0.1/tcp/9094":            {"127.0.0.1", "9094"},
		"/ip6/::1/tcp/9094":                  {"::1", "9094"},
		"/dns4/example.net/tcp/443/https":    {"example.net", "443"},
		"https://example.net/base":           {"example.net", "443"},
		"http://[::1]:9094":                  {"::1", "9094"},
		"/unix/run/cluster.sock":             {"/run/cluster.sock", ""},
		"client-0":                           {"", ""},
		"[/ip4/127.0.0.1/tcp/9094 client-1]": {"", ""},
		"/nonsense":                          {"", ""},
		"http://%zz":                         {"", ""},
		"":                                   {"", ""},
		"/p2p/12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN": {"", ""},
	} {
		set := attribute.NewSet(endpointAttributes(name)...)
		if got := pick(set, "pinfleet.endpoint"); got != name {
			t.Errorf("%s: endpoint %q", name, got)
		}
		for i, key := range []attribute.Key{"server.address", "server.port"} {
			if v, ok := set.Value(key); ok != (want[i] != "") || ok && v.String() != want[i] {
				t.Errorf("%s: %s is %q, want %q", name, key, v.String(), want[i])
			}
		}
	}
}
