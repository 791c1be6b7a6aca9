package config

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/internal/testenv"
)

// E14: zero values can be printed, logged and encoded.
func TestZeroValuesArePrintable(t *testing.T) {
	testenv.Print(t, Config{}, &Config{}, TLS{}, &TLS{}, Address{}, &Address{})
}

// E14: nil arguments, and nil pointers in a Config, are errors.
func TestNilArguments(t *testing.T) {
	_, loadErr := Load(nil)
	_, envErr := FromEnv(nil)
	for want, err := range map[string]error{
		"nothing to read":                       loadErr,
		"no lookup function":                    envErr,
		"RoundTripper is a nil *http.Transport": (&Config{RoundTripper: (*http.Transport)(nil)}).Validate(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
