package lbclient

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

func TestWithEndpoint(t *testing.T) {
	fakes := newFakes(3)
	fakes[1].answer = fails(dialError())
	c := newLB(t, &strategy.Failover{}, fakes, 3)

	id, err := c.ID(WithEndpoint(t.Context(), "c"))
	if err != nil || id.Peername != "c" {
		t.Errorf("got %v, %v, want c", id, err)
	}
	for range 2 { // the second time, the endpoint is ejected
		if _, err := c.ID(WithEndpoint(t.Context(), "b")); err == nil {
			t.Error("failed over from the targeted peer")
		}
	}
	checkCalls(t, "a0 b2 c1", fakes...)

	_, err = c.ID(WithEndpoint(t.Context(), "d"))
	if !errors.Is(err, client.ErrInvalid) || !strings.Contains(err.Error(), "a, b, c") {
		t.Errorf("got %v, want the names", err)
	}
	out := make(chan *api.AddedOutput)
	if err := c.Add(WithEndpoint(t.Context(), "d"), nil, nil, out); err == nil {
		t.Error("no error")
	}
	if _, open := <-out; open {
		t.Error("out is open")
	}
}
