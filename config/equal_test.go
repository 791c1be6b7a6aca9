package config

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
)

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// otherTripFunc is another type whose values cannot be compared.
type otherTripFunc tripFunc

func (f otherTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// host is a Libp2pHost that can be compared if part can.
type host struct{ part any }

// Equal compares every setting, and Clone copies every setting. The test fails when
// a field is added that Equal ignores.
func TestEqualSeesEverySetting(t *testing.T) {
	var visit func(name string, index []int, typ reflect.Type)
	visit = func(name string, index []int, typ reflect.Type) {
		for i := range typ.NumField() {
			field, at := typ.Field(i), append(index[:len(index):len(index)], i)
			if field.Type.Kind() == reflect.Struct {
				visit(name+field.Name+".", at, field.Type)
				continue
			}
			set := &Config{}
			reflect.ValueOf(set).Elem().FieldByIndex(at).Set(someValue(t, field.Type))
			if set.Equal(&Config{}) || (&Config{}).Equal(set) {
				t.Errorf("%s%s: makes no difference", name, field.Name)
			}
			if !set.Equal(set) || !set.Equal(set.Clone()) {
				t.Errorf("%s%s: a clone is another", name, field.Name)
			}
		}
	}
	visit("", nil, reflect.TypeFor[Config]())
}

// someValue returns a non-zero value of typ.
func someValue(t *testing.T, typ reflect.Type) reflect.Value {
	for _, v := range []any{"x", true, 1, int64(1), time.Second, []string{"x"}, []byte{1}, multiaddr.StringCast("/ip4/10.0.0.1/tcp/1"), http.Header{"A": {"1"}},
		&net.Resolver{}, slog.New(slog.DiscardHandler), func(context.Context) (string, error) { return "", nil }} {
		if reflect.TypeOf(v) == typ {
			return reflect.ValueOf(v)
		}
	}
	if typ.Kind() != reflect.Interface {
		t.Fatalf("the test has no %s", typ)
	}
	return reflect.ValueOf(&http.Transport{}) // the interface fields accept it
}

// Referenced objects are compared by identity, and values that cannot be compared
// by their type.
func TestEqual(t *testing.T) {
	token := func(context.Context) (string, error) { return "", nil }
	trip := tripFunc(http.DefaultTransport.RoundTrip)
	for name, test := range map[string]struct {
		a, b       *Config
		equal      bool
		comparable bool // whether a is comparable
	}{
		"nothing":             {&Config{}, &Config{}, true, true},
		"nil and empty":       {&Config{}, &Config{Headers: http.Header{}}, false, true},
		"same values":         {&Config{Headers: http.Header{"A": {"1"}}}, &Config{Headers: http.Header{"A": {"1"}}}, true, true},
		"other values":        {&Config{Headers: http.Header{"A": {"1"}}}, &Config{Headers: http.Header{"A": {"2"}}}, false, true},
		"one address, 2 ways": {&Config{Host: "h", Port: "1"}, &Config{Host: "h:1"}, false, true},
		"transports":          {&Config{RoundTripper: &http.Transport{}}, &Config{RoundTripper: &http.Transport{}}, false, true},
		"loggers":             {&Config{Logger: slog.New(slog.DiscardHandler)}, &Config{Logger: slog.New(slog.DiscardHandler)}, false, true},
		"resolvers":           {&Config{Resolver: &net.Resolver{}}, &Config{Resolver: &net.Resolver{}}, false, true},
		"token functions":     {&Config{TokenFunc: token}, &Config{TokenFunc: func(context.Context) (string, error) { return "x", nil }}, true, false},
		"trip functions":      {&Config{RoundTripper: trip}, &Config{RoundTripper: tripFunc(nil)}, true, false},
		"function types":      {&Config{RoundTripper: trip}, &Config{RoundTripper: otherTripFunc(trip)}, false, false},
		"function or not":     {&Config{RoundTripper: trip}, &Config{RoundTripper: &http.Transport{}}, false, false},
		"equal hosts":         {&Config{Libp2pHost: host{1}}, &Config{Libp2pHost: host{1}}, true, true},
		"other hosts":         {&Config{Libp2pHost: host{1}}, &Config{Libp2pHost: host{2}}, false, true},
		"hosts of slices":     {&Config{Libp2pHost: host{[]int{1}}}, &Config{Libp2pHost: host{[]int{2}}}, true, false},
		"slice or not":        {&Config{Libp2pHost: host{[]int{1}}}, &Config{Libp2pHost: host{1}}, false, false},
	} {
		if test.a.Equal(test.b) != test.equal || test.b.Equal(test.a) != test.equal {
			t.Errorf("%s: want equal %t", name, test.equal)
		}
		if got := test.a.IsComparable(); got != test.comparable {
			t.Errorf("%s: comparable %t", name, got)
		}
	}
	var none *Config
	if !none.Equal(nil) || none.Equal(&Config{}) || (&Config{}).Equal(nil) {
		t.Error("nil equals nil alone")
	}
}
