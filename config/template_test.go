package config

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"
)

// U34: upstream wrote into the caller's Config. A clone shares no memory that could
// be written to. The test fails when a field is added that Clone shares.
func TestCloneSharesNothing(t *testing.T) {
	c := &Config{
		APIAddr: maddr(t, "/dns/h/tcp/1"), ProxyAddr: maddr(t, "/dns/h/tcp/1"), ProtectorKey: []byte{1},
		TLS: TLS{CA: []byte{1}, Cert: []byte{1}, Key: []byte{1}}, Headers: http.Header{"A": {"1"}},
		Web: WebPolicy{Hosts: []string{"h"}},
	}
	n := c.Clone()
	if !reflect.DeepEqual(c, n) {
		t.Fatalf("%v became %v", c, n)
	}
	compareMemory(t, "Config", reflect.ValueOf(*c), reflect.ValueOf(*n))
	n.Headers["A"][0] = "2"
	if c.Headers.Get("A") != "1" {
		t.Error("header values are shared")
	}
}

func compareMemory(t *testing.T, name string, a, b reflect.Value) {
	for i := range a.NumField() {
		name := name + "." + a.Type().Field(i).Name
		a, b := a.Field(i), b.Field(i)
		switch a.Kind() {
		case reflect.Struct:
			compareMemory(t, name, a, b)
		case reflect.Slice, reflect.Map:
			if a.Len() == 0 {
				t.Errorf("%s: the test does not set it", name)
			} else if a.Pointer() == b.Pointer() {
				t.Errorf("%s is shared", name)
			}
		}
	}
}

func TestAsTemplateFor(t *testing.T) {
	c := &Config{Host: "h", Port: "1", Username: "u", Password: "p", AllowCleartextAuth: true}
	before := fmt.Sprintf("%+v", c)
	addrs := []multiaddr.Multiaddr{maddr(t, "/dns/a/tcp/1"), maddr(t, "/unix/x")}
	cfgs := c.AsTemplateFor(addrs)
	if len(cfgs) != 2 {
		t.Fatalf("%d configs", len(cfgs))
	}
	for i, n := range cfgs {
		if !n.APIAddr.Equal(addrs[i]) || n.Username != "u" || n.Host != "" || n.Validate() != nil {
			t.Errorf("got %v", n)
		}
	}
	if after := fmt.Sprintf("%+v", c); after != before {
		t.Errorf("the template was %s and became %s", before, after)
	}
	if got := c.AsTemplateFor(nil); len(got) != 0 {
		t.Errorf("no addresses gave %v", got)
	}
}

func TestAsTemplateForResolvedAddressWithoutName(t *testing.T) {
	c := &Config{Weight: 3}
	for _, addr := range []string{"/ip4/1.2.3.4/tcp/1", "/unix/x", "/dns4/h/tcp/1/p2p/" + peerID} {
		cfgs, err := c.AsTemplateForResolvedAddress(t.Context(), maddr(t, addr))
		if err != nil || len(cfgs) != 1 || cfgs[0].APIAddr.String() != addr || cfgs[0].Weight != 3 {
			t.Errorf("%s: got %v, error %v", addr, cfgs, err)
		}
	}
	for addr, reason := range map[string]string{"/dnsaddr/h": "transport/p2p", "/dns/h": "port is missing"} {
		if _, err := c.AsTemplateForResolvedAddress(t.Context(), maddr(t, addr)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: error is %v, want %q", addr, err, reason)
		}
	}
	if _, err := c.AsTemplateForResolvedAddress(t.Context(), nil); err == nil {
		t.Error("nil: no error")
	}
}
