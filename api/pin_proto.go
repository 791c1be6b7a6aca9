package api

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of the protobuf form of a pin, which the pinset of a cluster peer and
// its exported state use:
//
//	message Pin {
//	  bytes Cid = 1; PinType Type = 2; repeated bytes Allocations = 3;
//	  sint32 MaxDepth = 4; bytes Reference = 5; PinOptions Options = 6;
//	  uint64 Timestamp = 7;
//	}
//	message PinOptions {
//	  sint32 ReplicationFactorMin = 1; sint32 ReplicationFactorMax = 2;
//	  string Name = 3; uint64 ShardSize = 4;
//	  map<string, string> Metadata = 6;       // deprecated, only read
//	  bytes PinUpdate = 7; uint64 ExpireAt = 8; repeated bytes Origins = 9;
//	  repeated Metadata SortedMetadata = 10;  // string Key = 1, Value = 2
//	}
//
// The values of PinType are BadType 0, DataType 1, MetaType 2, ClusterDAGType 3,
// ShardType 4. Times are Unix seconds. Mode is derived from MaxDepth. User
// allocations are not stored.
const (
	fieldCid         protowire.Number = 1
	fieldType        protowire.Number = 2
	fieldAllocations protowire.Number = 3
	fieldMaxDepth    protowire.Number = 4
	fieldReference   protowire.Number = 5
	fieldOptions     protowire.Number = 6
	fieldTimestamp   protowire.Number = 7

	fieldReplicationMin protowire.Number = 1
	fieldReplicationMax protowire.Number = 2
	fieldName           protowire.Number = 3
	fieldShardSize      protowire.Number = 4
	fieldMetadataMap    protowire.Number = 6
	fieldPinUpdate      protowire.Number = 7
	fieldExpireAt       protowire.Number = 8
	fieldOrigins        protowire.Number = 9
	fieldMetadata       protowire.Number = 10

	fieldKey   protowire.Number = 1
	fieldValue protowire.Number = 2
)

// Unix seconds of the start of the years 0 and 10000. Times between them have a JSON
// form.
var (
	firstSecond = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	endSecond   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// protoPinTypes is indexed by the number of a pin type in the stored form.
var protoPinTypes = []PinType{BadType, DataType, MetaType, ClusterDAGType, ShardType}

// ProtoMarshal encodes the pin in the protobuf form that cluster peers store. The
// form omits user allocations and fractions of seconds. ProtoMarshal returns an error
// if the form cannot hold a value.
func (p Pin) ProtoMarshal() ([]byte, error) {
	e := protoEncoder{}
	e.cid(fieldCid, p.Cid)
	e.varint(fieldType, uint64(max(0, slices.Index(protoPinTypes, p.Type))))
	for _, pid := range p.Allocations {
		e.bytes(fieldAllocations, []byte(pid))
	}
	e.sint32(fieldMaxDepth, int(p.MaxDepth))
	e.cid(fieldReference, p.reference())
	e.bytes(fieldOptions, p.protoOptions(&e))
	e.time(fieldTimestamp, p.Timestamp)
	if err := errors.Join(e.errs...); err != nil {
		return nil, fmt.Errorf("pin cannot be stored: %w", err)
	}
	return e.buf, nil
}

// protoOptions encodes the nested message and adds its errors to outer.
func (o PinOptions) protoOptions(outer *protoEncoder) []byte {
	e := protoEncoder{}
	e.sint32(fieldReplicationMin, o.ReplicationFactorMin)
	e.sint32(fieldReplicationMax, o.ReplicationFactorMax)
	e.string(fieldName, o.Name)
	e.varint(fieldShardSize, o.ShardSize)
	e.cid(fieldPinUpdate, o.PinUpdate)
	e.time(fieldExpireAt, o.ExpireAt)
	for _, origin := range o.Origins {
		m, err := origin.Multiaddr()
		if err != nil {
			e.errs = append(e.errs, fmt.Errorf("origin %q is not a multiaddress: %w", origin, err))
			continue
		}
		e.bytes(fieldOrigins, m.Bytes())
	}
	for _, key := range slices.Sorted(maps.Keys(o.Metadata)) {
		entry := protoEncoder{}
		entry.string(fieldKey, key)
		entry.string(fieldValue, o.Metadata[key])
		e.errs = append(e.errs, entry.errs...)
		e.bytes(fieldMetadata, entry.buf)
	}
	outer.errs = append(outer.errs, e.errs...)
	return e.buf
}

// protoEncoder appends fields and collects errors. As in proto3, it omits scalars with
// the zero value. It always writes bytes fields, even empty ones.
type protoEncoder struct {
	buf  []byte
	errs []error
}

func (e *protoEncoder) varint(num protowire.Number, v uint64) {
	if v != 0 {
		e.buf = protowire.AppendVarint(protowire.AppendTag(e.buf, num, protowire.VarintType), v)
	}
}

func (e *protoEncoder) bytes(num protowire.Number, v []byte) {
	e.buf = protowire.AppendBytes(protowire.AppendTag(e.buf, num, protowire.BytesType), v)
}

func (e *protoEncoder) string(num protowire.Number, v string) {
	if !utf8.ValidString(v) {
		e.errs = append(e.errs, fmt.Errorf("text %q is not UTF-8", v))
		return
	}
	if v != "" {
		e.bytes(num, []byte(v))
	}
}

func (e *protoEncoder) cid(num protowire.Number, c Cid) {
	if c.Defined() {
		e.bytes(num, c.Bytes())
	}
}

func (e *protoEncoder) sint32(num protowire.Number, v int) {
	if v < math.MinInt32 || v > math.MaxInt32 {
		e.errs = append(e.errs, fmt.Errorf("number %d has more than 32 bits", v))
		return
	}
	e.varint(num, protowire.EncodeZigZag(int64(v)))
}

func (e *protoEncoder) time(num protowire.Number, t time.Time) {
	if t.IsZero() {
		return
	}
	second := t.Unix()
	if second < firstSecond || second >= endSecond {
		e.errs = append(e.errs, fmt.Errorf("time %s is outside the years 0 to 9999", t))
		return
	}
	e.varint(num, uint64(second))
}

// ProtoUnmarshal decodes the form that ProtoMarshal returns. It ignores unknown
// fields, and decodes unknown types to BadType. Like a server, it makes a missing
// Allocations or Origins empty, and a missing Metadata nil. On error, the pin is
// unchanged.
func (p *Pin) ProtoUnmarshal(b []byte) error {
	pin := Pin{
		PinOptions:  PinOptions{Origins: []Multiaddr{}},
		Type:        BadType,
		Allocations: []peer.ID{},
	}
	if err := walkProto(b, pin.setProtoNumber, pin.setProtoBytes); err != nil {
		return fmt.Errorf("stored pin is malformed: %w", err)
	}
	pin.Mode = pin.MaxDepth.ToPinMode()
	*p = pin
	return nil
}

func (p *Pin) setProtoNumber(num protowire.Number, v uint64) (err error) {
	switch num {
	case fieldType:
		p.Type = BadType
		if v < uint64(len(protoPinTypes)) {
			p.Type = protoPinTypes[v]
		}
	case fieldMaxDepth:
		p.MaxDepth = PinDepth(decodeSint32(v))
	case fieldTimestamp:
		p.Timestamp, err = protoTime(v)
	}
	return err
}

func (p *Pin) setProtoBytes(num protowire.Number, v []byte) (err error) {
	switch num {
	case fieldCid:
		p.Cid, err = protoCid(v)
	case fieldAllocations:
		if len(v) > maxPeerBytes {
			return fmt.Errorf("peer ID of %d bytes is longer than %d", len(v), maxPeerBytes)
		}
		p.Allocations = append(p.Allocations, peer.ID(v))
	case fieldReference:
		var c Cid
		if c, err = protoCid(v); c.Defined() {
			p.Reference = &c
		}
	case fieldOptions:
		err = walkProto(v, p.PinOptions.setProtoNumber, p.PinOptions.setProtoBytes)
	}
	return err
}

func (o *PinOptions) setProtoNumber(num protowire.Number, v uint64) (err error) {
	switch num {
	case fieldReplicationMin:
		o.ReplicationFactorMin = decodeSint32(v)
	case fieldReplicationMax:
		o.ReplicationFactorMax = decodeSint32(v)
	case fieldShardSize:
		o.ShardSize = v
	case fieldExpireAt:
		o.ExpireAt, err = protoTime(v)
	}
	return err
}

func (o *PinOptions) setProtoBytes(num protowire.Number, v []byte) (err error) {
	switch num {
	case fieldName:
		o.Name, err = protoString(v)
	case fieldPinUpdate:
		o.PinUpdate, err = protoCid(v)
	case fieldOrigins:
		var m multiaddr.Multiaddr
		if m, err = multiaddr.NewMultiaddrBytes(v); err == nil {
			o.Origins = append(o.Origins, NewMultiaddrWithValue(m))
		}
	case fieldMetadata, fieldMetadataMap:
		err = o.addProtoMetadata(v)
	}
	return err
}

func (o *PinOptions) addProtoMetadata(b []byte) error {
	var key, value string
	err := walkProto(b, ignoreProtoNumber, func(num protowire.Number, v []byte) (err error) {
		switch num {
		case fieldKey:
			key, err = protoString(v)
		case fieldValue:
			value, err = protoString(v)
		}
		return err
	})
	if err != nil {
		return err
	}
	if o.Metadata == nil {
		o.Metadata = make(map[string]string)
	}
	o.Metadata[key] = value
	return nil
}

func ignoreProtoNumber(protowire.Number, uint64) error { return nil }

// walkProto calls onNumber for each varint field of a message and onBytes for each
// bytes field. onBytes must not keep its slice.
func walkProto(b []byte, onNumber func(protowire.Number, uint64) error, onBytes func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var err error
		switch typ {
		case protowire.VarintType:
			var v uint64
			if v, n = protowire.ConsumeVarint(b); n >= 0 {
				err = onNumber(num, v)
			}
		case protowire.BytesType:
			var v []byte
			if v, n = protowire.ConsumeBytes(b); n >= 0 {
				err = onBytes(num, v)
			}
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err != nil {
			return fmt.Errorf("field %d: %w", num, err)
		}
		b = b[n:]
	}
	return nil
}

func decodeSint32(v uint64) int {
	return int(int32(protowire.DecodeZigZag(v & math.MaxUint32)))
}

func protoCid(b []byte) (Cid, error) {
	if len(b) == 0 {
		return CidUndef, nil
	}
	return CastCid(b)
}

func protoString(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", errors.New("text is not UTF-8")
	}
	return string(b), nil
}

func protoTime(v uint64) (time.Time, error) {
	second := int64(v)
	if second == 0 {
		return time.Time{}, nil
	}
	if second < firstSecond || second >= endSecond {
		return time.Time{}, fmt.Errorf("time %d is outside the years 0 to 9999", second)
	}
	return time.Unix(second, 0), nil
}
