package clustertest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// encoder writes the items of listings as encoding/json does, but several times
// faster. Otherwise, benchmarks against a cluster would measure the server
// instead of the client. The slowest part, the text of peer IDs, comes from a map.
type encoder struct {
	ids map[peer.ID]string
	buf []byte
}

// document returns v as a JSON document with a newline. The slice is valid
// until the next call.
func (e *encoder) document(v any) ([]byte, error) {
	e.buf = e.buf[:0]
	switch v := v.(type) {
	case api.GlobalPinInfo:
		e.global(v)
	case api.Pin:
		e.pin(v)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		e.buf = append(e.buf, text...)
	}
	e.buf = append(e.buf, '\n')
	return e.buf, nil
}

func (e *encoder) raw(text string) { e.buf = append(e.buf, text...) }

func (e *encoder) text(text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text)
			e.buf = append(e.buf, quoted...)
			return
		}
	}
	e.buf = append(append(append(e.buf, '"'), text...), '"')
}

func (e *encoder) number(n int) { e.buf = strconv.AppendInt(e.buf, int64(n), 10) }

func (e *encoder) time(t time.Time) {
	e.buf = append(t.AppendFormat(append(e.buf, '"'), time.RFC3339Nano), '"')
}

func (e *encoder) cid(c api.Cid) {
	if !c.Defined() {
		e.raw("null")
		return
	}
	e.text(c.String())
}

func (e *encoder) id(id peer.ID) {
	text, ok := e.ids[id]
	if !ok {
		text = id.String()
	}
	e.text(text)
}

// list writes a JSON array, or null if all is nil.
func list[T any](e *encoder, all []T, write func(T)) {
	if all == nil {
		e.raw("null")
		return
	}
	e.raw("[")
	for i, v := range all {
		if i > 0 {
			e.raw(",")
		}
		write(v)
	}
	e.raw("]")
}

// object writes a JSON object with sorted keys, or null if m is nil.
func object[T any](e *encoder, m map[string]T, write func(T)) {
	if m == nil {
		e.raw("null")
		return
	}
	e.raw("{")
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			e.raw(",")
		}
		e.text(key)
		e.raw(":")
		write(m[key])
	}
	e.raw("}")
}

func (e *encoder) address(a api.Multiaddr) { e.text(string(a)) }

func (e *encoder) global(g api.GlobalPinInfo) {
	e.raw(`{"cid":`)
	e.cid(g.Cid)
	e.raw(`,"name":`)
	e.text(g.Name)
	e.raw(`,"allocations":`)
	list(e, g.Allocations, e.id)
	e.raw(`,"origins":`)
	list(e, g.Origins, e.address)
	e.raw(`,"created":`)
	e.time(g.Created)
	e.raw(`,"metadata":`)
	object(e, g.Metadata, e.text)
	e.raw(`,"peer_map":`)
	object(e, g.PeerMap, e.short)
	e.raw("}")
}

func (e *encoder) short(s api.PinInfoShort) {
	e.raw(`{"peername":`)
	e.text(s.PeerName)
	if s.IPFS != "" {
		e.raw(`,"ipfs_peer_id":`)
		e.id(s.IPFS)
	}
	if len(s.IPFSAddresses) > 0 {
		e.raw(`,"ipfs_peer_addresses":`)
		list(e, s.IPFSAddresses, e.address)
	}
	e.raw(`,"status":`)
	e.text(s.Status.String())
	e.raw(`,"timestamp":`)
	e.time(s.TS)
	e.raw(`,"error":`)
	e.text(s.Error)
	e.raw(`,"attempt_count":`)
	e.number(s.AttemptCount)
	e.raw(`,"priority_pin":`)
	e.buf = strconv.AppendBool(e.buf, s.PriorityPin)
	e.raw("}")
}

func (e *encoder) pin(p api.Pin) {
	e.raw(`{"replication_factor_min":`)
	e.number(p.ReplicationFactorMin)
	e.raw(`,"replication_factor_max":`)
	e.number(p.ReplicationFactorMax)
	e.raw(`,"name":`)
	e.text(p.Name)
	e.raw(`,"mode":`)
	e.text(p.Mode.String())
	e.raw(`,"shard_size":`)
	e.buf = strconv.AppendUint(e.buf, p.ShardSize, 10)
	e.raw(`,"user_allocations":`)
	list(e, p.UserAllocations, e.id)
	e.raw(`,"expire_at":`)
	e.time(p.ExpireAt)
	e.raw(`,"metadata":`)
	object(e, p.Metadata, e.text)
	e.raw(`,"pin_update":`)
	e.cid(p.PinUpdate)
	e.raw(`,"origins":`)
	list(e, p.Origins, e.address)
	e.raw(`,"cid":`)
	e.cid(p.Cid)
	e.raw(`,"type":`)
	e.text(p.Type.String())
	e.raw(`,"allocations":`)
	list(e, p.Allocations, e.id)
	e.raw(`,"max_depth":`)
	e.number(int(p.MaxDepth))
	e.raw(`,"reference":`)
	if p.Reference == nil {
		e.raw("null")
	} else {
		e.cid(*p.Reference)
	}
	e.raw(`,"timestamp":`)
	e.time(p.Timestamp)
	e.raw("}")
}
