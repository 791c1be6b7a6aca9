package watch

import (
	"testing"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

func TestBitsAreThoseOfTheWire(t *testing.T) {
	for have, want := range map[EventType]uint32{
		Create: pyxiswire.EventCreate, Delete: pyxiswire.EventDelete,
		Modify: pyxiswire.EventModify, Children: pyxiswire.EventChildren,
	} {
		if uint32(have) != want {
			t.Errorf("%v is %#x, on the wire %#x", have, uint32(have), want)
		}
	}
}

func TestString(t *testing.T) {
	for have, want := range map[EventType]string{
		None: "None", All: "All", Modify: "Modify", Create | Children: "Create|Children",
		SessionExpired: "SessionExpired", Resync: "Resync", Nodes: "Create|Delete|Modify|Children",
		Delete | 0x1000: "Delete|0x1000",
	} {
		if have.String() != want {
			t.Errorf("%#x: %q, want %q", uint32(have), have.String(), want)
		}
	}
	if s := (&Event{Path: "/a", Type: Delete}).String(); s != "Delete /a" {
		t.Errorf("an event of a node: %q", s)
	}
	if s := (&Event{Type: Connected}).String(); s != "Connected" {
		t.Errorf("an event of the state: %q", s)
	}
}
