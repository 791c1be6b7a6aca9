package cli

import (
	"fmt"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// pinTable prints pins.
type pinTable struct {
	out   *output.Printer
	quiet bool // only the CIDs
	table *output.Table
	now   time.Time
}

func (s *session) pinTable() *pinTable {
	return &pinTable{out: s.out, table: s.out.Table("CID", "NAME", "TYPE", "AGE", "REPLICATION", "PEERS", "EXPIRES"), now: s.now()}
}

// row prints a pin.
func (t *pinTable) row(pin *api.Pin) error {
	if t.quiet && !t.out.JSON {
		return t.out.Line("%s", pin.Cid)
	}
	peers := output.Number(len(pin.Allocations))
	if len(pin.Allocations) == 0 {
		peers = output.Text("all")
	}
	kind := pin.Type.String()
	if pin.Mode == api.PinModeDirect {
		kind = pin.Mode.String()
	}
	return t.table.Row(pin, output.Text(pin.Cid.String()), output.Text(pin.Name), output.Text(kind),
		output.Text(output.Age(pin.Timestamp, t.now)), output.Text(replication(pin)), peers, t.expires(pin))
}

// End prints what is left.
func (t *pinTable) End() error { return t.table.End() }

// replication returns the numbers of peers that should pin an item.
func replication(pin *api.Pin) string {
	least, most := pin.ReplicationFactorMin, pin.ReplicationFactorMax
	switch {
	case least == -1 && most == -1:
		return "all"
	case least == most:
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d-%d", least, most)
}

// expires returns the time until a pin expires.
func (t *pinTable) expires(pin *api.Pin) output.Cell {
	switch at := pin.ExpireAt; {
	case at.IsZero() || at.Equal(time.Unix(0, 0)):
		return output.Text("")
	case pin.ExpiredAt(t.now):
		return output.Bad("expired")
	default:
		return output.Text("in " + output.Duration(at.Sub(t.now)))
	}
}
