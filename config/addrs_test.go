package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// Each element has the settings of the template, except its addresses, and credentials
// of its own come first. The template stays as it is.
func TestParseAddrsWithTemplate(t *testing.T) {
	template := &Config{URL: "http://other", Port: "1", Username: "alice", Password: "wonder", IdleTimeout: time.Minute, Headers: map[string][]string{"A": {"1"}}}
	before := template.Clone()
	got, err := ParseAddrs("/ip4/1.2.3.4/tcp/9094, https://u:p@h/base ,localhost:9094", template)
	settings := template.Clone()
	settings.URL, settings.Port = "", ""
	want := []*Config{settings.Clone(), settings.Clone(), settings.Clone()}
	want[0].APIAddr = maddr(t, "/ip4/1.2.3.4/tcp/9094")
	want[1].URL, want[1].Username, want[1].Password = "https://h/base", "u", "p"
	want[2].Host = "localhost:9094"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, error %v, want %v", got, err, want)
	}
	got[0].Headers.Set("A", "2")
	if !reflect.DeepEqual(template, before) {
		t.Errorf("the template became %v", template)
	}
}

// Without a template, an element has only what is in it.
func TestParseAddrsWithoutTemplate(t *testing.T) {
	for _, template := range [][]*Config{nil, {nil}, {{}}} {
		got, err := ParseAddrs("localhost:9094", template...)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], &Config{Host: "localhost:9094"}) {
			t.Errorf("%v: got %v, error %v", template, got, err)
		}
	}
	if got, err := ParseAddrs("localhost", &Config{}, &Config{}); err == nil {
		t.Errorf("two templates: %v", got)
	}
}

// The error names all faulty elements, and no secret.
func TestParseAddrsErrors(t *testing.T) {
	cfgs, err := ParseAddrs("/ip4/1.2.3.4,localhost:9094,ftp://u:SECRET@h,h:port", &Config{Password: "SECRET"})
	if err == nil || cfgs != nil {
		t.Fatalf("%v, %v", cfgs, err)
	}
	for _, part := range []string{"element 1 ", "element 3 ", "element 4 "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not have %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "element 2") || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
	for _, list := range []string{"", " ", ",,"} {
		if cfgs, err := ParseAddrs(list); err == nil {
			t.Errorf("%q gave %v", list, cfgs)
		}
	}
}
