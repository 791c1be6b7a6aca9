package strategy

import (
	"testing"

	"github.com/pinfleet/pinfleet/client"
)

// A strategy may be used before SetClients, and after SetClients of an empty list.
func TestStrategiesWithoutClients(t *testing.T) {
	for name, make := range builtins() {
		for _, set := range []bool{false, true} {
			s := make()
			if set {
				s.SetClients(nil)
			}
			for _, call := range []*Call{{}, {Key: "k"}, {Op: client.OpAdd, Attempt: 1, Tried: newPeers(2)}} {
				if c := s.Pick(call); c != nil {
					t.Errorf("%s: Pick returned %s", name, nameOf(c))
				}
			}
			for _, count := range []int{0, 3, -1} {
				if c := s.Next(count); c != nil {
					t.Errorf("%s: Next returned %s", name, nameOf(c))
				}
			}
			if o, ok := s.(Observer); ok {
				c := newPeers(1)[0]
				o.End(&Call{}, c, Result{})
				o.Sent(&Call{}, c, 1)
				o.Begin(&Call{}, c)
				o.Sent(&Call{}, c, 1)
				o.End(&Call{}, c, Result{})
			}
		}
	}
}
