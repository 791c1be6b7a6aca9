package pinset

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/cidtable"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// ErrSharded is wrapped by the [*ItemError] of sharded content, which only an add can make.
// In [Diff] and [Sync] that is a root (a pin of api.MetaType) that the cluster does not
// have, in [Pin] each pin of such content, and in [Repair] a pin on peers that are gone.
var ErrSharded = errors.New("sharded content cannot be pinned: add it again with the same parameters")

// ErrConflict is wrapped by the [*ItemError] of an item that the source has more than once
// with different options. The first of them counts.
var ErrConflict = errors.New("the source has the item twice with different options")

// ChangeKind is the kind of a difference. The zero value is Missing.
type ChangeKind int

// Kinds of differences.
const (
	Missing   ChangeKind = iota // the cluster does not have the pin
	Different                   // the cluster has the pin with different options
	Extra                       // the source does not have the pin
)

// String returns "missing", "different" or "extra".
func (k ChangeKind) String() string {
	switch k {
	case Missing:
		return "missing"
	case Different:
		return "different"
	case Extra:
		return "extra"
	}
	return fmt.Sprintf("ChangeKind(%d)", int(k))
}

// Change is a difference between a source and the pinset of a cluster.
type Change struct {
	Kind ChangeKind
	// Pin is the pin as the source has it, or as the cluster has it if Kind is Extra.
	Pin *api.Pin
}

// String returns the kind, the CID and the name.
func (c *Change) String() string {
	if c.Pin == nil {
		return c.Kind.String()
	}
	return fmt.Sprintf("%s %s %q", c.Kind, c.Pin.Cid, c.Pin.Name)
}

// Diff yields the differences between want and the pinset of the cluster, which are the
// changes that [Sync] would make: first what is missing or different, in the order of want,
// and then what is extra. See the package documentation for the options that are compared.
//
// Diff passes on the errors of the source. After one, it yields no extra pins, because
// they may be in the part that could not be read.
func Diff(ctx context.Context, c client.Client, want iter.Seq2[*api.Pin, error], opts ...Option) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		o, err := notSync(c, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		d := newDiffer(c, newTally(o))
		defer d.end()
		d.seen = func(n int64) {
			if n%tickEvery == 0 {
				d.tally.tick()
			}
		}
		next := func(change *Change, err error) bool {
			d.tally.count(err)
			return yield(change, err)
		}
		if err := d.list(ctx); err != nil {
			next(nil, err)
			return
		}
		for change, err := range d.changes(ctx, want) {
			if !next(change, err) {
				return
			}
		}
		if d.tally.failed > 0 || d.extra() == 0 {
			return
		}
		for change, err := range d.extras(ctx) {
			if !next(change, err) {
				return
			}
		}
	}
}

// A value of the differ's table has a fingerprint and these bits.
const (
	// inSource: the source has the pin.
	inSource = 1 << 63
	// notData: the pin is not of api.DataType. It is neither changed nor deleted.
	notData = 1 << 62
)

// differ finds the differences. It holds 24 bytes of each pin of both sides. Only one
// goroutine at a time may use it.
type differ struct {
	client client.Client
	tally  *tally
	table  *cidtable.Map
	prints *fingerprints
	// data is the number of pins of api.DataType in the cluster, and matched is the
	// number of those that the source has.
	data, matched int
	// seen is called with the number of items of a sequence that were compared.
	seen func(int64)
}

func newDiffer(c client.Client, t *tally) *differ {
	return &differ{client: c, tally: t, table: cidtable.NewMap(0, &t.memory), prints: newFingerprints(), seen: func(int64) {}}
}

// end reports the progress at the end and frees the memory, even if the report panics.
func (d *differ) end() {
	defer d.table.Free()
	d.tally.end()
}

// tickEvery is the number of items of a listing after which the progress may be reported.
const tickEvery = 256

// list reads the pinset of the cluster.
func (d *differ) list(ctx context.Context) error {
	for pin, err := range d.client.Allocations(ctx, api.AllType) {
		if err != nil {
			return err
		}
		value := uint64(notData)
		if pin.Type == api.DataType {
			value = uint64(d.prints.stored(pin))
		}
		if d.table.Put(pin.Cid.Cid, value) && value != notData {
			d.data++
		}
		if d.tally.listed.Add(1)%tickEvery == 0 {
			d.tally.tick()
		}
	}
	return nil
}

// changes yields what is missing or different. It ends with ctx, also while the source has
// neither.
func (d *differ) changes(ctx context.Context, want iter.Seq2[*api.Pin, error]) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		for pin, err := range reading(d.tally, want) {
			if ended := ctxerr.Of(ctx); ended != nil {
				yield(nil, ended)
				return
			}
			d.seen(d.tally.read.Load())
			var change *Change
			if err == nil {
				change, err = d.compare(pin)
			}
			if (change != nil || err != nil) && !yield(change, err) {
				return
			}
		}
		d.tally.extra.Store(int64(d.extra()))
	}
}

// compare returns the difference between a pin of the source and the cluster, or nil if
// there is none.
func (d *differ) compare(pin *api.Pin) (*Change, error) {
	value, exists := d.table.Get(pin.Cid.Cid)
	before := value
	switch {
	case !pin.Cid.Defined():
		return nil, &ItemError{client.OpPin, pin.Cid, fmt.Errorf("%w: the source has a pin without a CID", client.ErrInvalid)}
	case !exists && pin.Type == api.MetaType:
		return nil, &ItemError{client.OpPin, pin.Cid, ErrSharded}
	case !exists && !isData(pin):
		return nil, nil // a part of sharded content, of which there is an error
	case !exists && pin.ExpiredAt(time.Now()):
		return nil, nil
	case !exists:
		d.table.Put(pin.Cid.Cid, uint64(d.prints.of(pin))|inSource)
		return &Change{Missing, pin}, nil
	case value&inSource == 0 && value&notData == 0:
		d.matched++
	}
	value |= inSource
	var change *Change
	var err error
	switch {
	case value&notData != 0, pin.ExpiredAt(time.Now()):
	case !isData(pin):
		// Someone has unpinned the sharded content and pinned its root.
	case d.prints.matches(pin, fingerprint(value&fingerprintMask)):
	case before&inSource != 0:
		return nil, &ItemError{client.OpPin, pin.Cid, ErrConflict}
	default:
		value = uint64(d.prints.of(pin)) | inSource
		change = &Change{Different, pin}
	}
	if value != before {
		d.table.Put(pin.Cid.Cid, value)
	}
	return change, err
}

// isData reports whether a pin of a source is an ordinary one.
func isData(p *api.Pin) bool { return p.Type == api.DataType || p.Type == 0 }

// extra returns the number of pins in the cluster that the source does not have, after
// changes has ended.
func (d *differ) extra() int { return d.data - d.matched }

// extras yields what is extra. A pin that was made or changed after list is not.
func (d *differ) extras(ctx context.Context) iter.Seq2[*Change, error] {
	return func(yield func(*Change, error) bool) {
		listed := int64(0)
		for pin, err := range d.client.Allocations(ctx, api.DataType) {
			if err != nil {
				yield(nil, err)
				return
			}
			listed++
			d.seen(listed)
			value, exists := d.table.Get(pin.Cid.Cid)
			switch {
			case !exists || value&(inSource|notData) != 0 || pin.Type != api.DataType:
				continue
			case fingerprint(value&fingerprintMask) != d.prints.of(pin):
				continue
			}
			d.table.Put(pin.Cid.Cid, value|inSource) // to yield it once
			if !yield(&Change{Extra, pin}, nil) {
				return
			}
		}
	}
}
