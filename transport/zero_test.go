package transport_test

import (
	"testing"

	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/transport"
)

// E14: printing the zero DialError panicked. A nil Config is the zero Config, as for
// client.NewDefaultClient.
func TestZeroAndNil(t *testing.T) {
	testenv.Print(t, transport.DialError{}, &transport.DialError{}, transport.Endpoint{}, &transport.Endpoint{})
	if err := new(transport.Endpoint).Close(); err != nil {
		t.Error(err)
	}
	ep, err := transport.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if ep.Name != "http://127.0.0.1:9094" && ep.Name != "/ip4/127.0.0.1/tcp/9094" {
		t.Errorf("the name is %q", ep.Name)
	}
	_ = ep.Close()
}
