package api

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// Names of the query parameters of AddParams.
const (
	paramShard          = "shard"
	paramLocal          = "local"
	paramRecursive      = "recursive"
	paramLayout         = "layout"
	paramChunker        = "chunker"
	paramRawLeaves      = "raw-leaves"
	paramHidden         = "hidden"
	paramWrap           = "wrap-with-directory"
	paramProgress       = "progress"
	paramCidVersion     = "cid-version"
	paramHash           = "hash"
	paramStreamChannels = "stream-channels"
	paramNoCopy         = "nocopy"
	paramFormat         = "format"
	paramNoPin          = "no-pin"
)

// ToQueryString encodes the parameters as a query string with sorted keys. The text
// is that of upstream's encoder, except that raw-leaves is present only if RawLeaves
// or NoRawLeaves is set (U22: always sending false made CIDs differ from those of
// ipfs add). Errors are those of PinOptions.ToQuery.
func (p AddParams) ToQueryString() (string, error) {
	q, err := p.query()
	if err != nil {
		return "", err
	}
	q.Set(paramLayout, p.Layout)
	q.Set(paramChunker, p.Chunker)
	q.Set(paramHash, p.HashFun)
	q.Set(paramFormat, p.Format)
	q.Set(paramCidVersion, strconv.Itoa(p.CidVersion))
	for _, flag := range [...]struct {
		name  string
		value bool
	}{
		{paramShard, p.Shard},
		{paramLocal, p.Local},
		{paramRecursive, p.Recursive},
		{paramHidden, p.Hidden},
		{paramWrap, p.Wrap},
		{paramProgress, p.Progress},
		{paramStreamChannels, p.StreamChannels},
		{paramNoCopy, p.NoCopy},
		{paramNoPin, p.NoPin},
	} {
		q.Set(flag.name, strconv.FormatBool(flag.value))
	}
	if p.RawLeaves || p.NoRawLeaves {
		q.Set(paramRawLeaves, strconv.FormatBool(p.RawLeaves))
	}
	return q.Encode(), nil
}

// AddParamsFromQuery parses the query of POST /add as the server does, with the same
// defaults, order and error texts. If raw-leaves is absent or empty, RawLeaves is
// set for CID versions above 0. If raw-leaves is false, NoRawLeaves is set. The
// result is nil on error.
func AddParamsFromQuery(q url.Values) (*AddParams, error) {
	p := DefaultAddParams()
	p.Recursive = false
	if err := p.PinOptions.FromQuery(q); err != nil {
		return nil, err
	}
	p.PinUpdate = CidUndef
	p.Mode = PinModeRecursive

	p.Layout = q.Get(paramLayout)
	if !validLayout(p.Layout) {
		return nil, errors.New("layout parameter is invalid")
	}
	if chunker := q.Get(paramChunker); chunker != "" {
		p.Chunker = chunker
	}
	if hash := q.Get(paramHash); hash != "" {
		p.HashFun = hash
	}
	p.Format = q.Get(paramFormat)
	if !validFormat(p.Format) {
		return nil, errors.New("format parameter is invalid")
	}
	for _, param := range []struct {
		name   string
		target *bool
	}{
		{paramLocal, &p.Local},
		{paramRecursive, &p.Recursive},
		{paramHidden, &p.Hidden},
		{paramWrap, &p.Wrap},
		{paramShard, &p.Shard},
		{paramProgress, &p.Progress},
	} {
		if err := parseBool(param.target, param.name, q); err != nil {
			return nil, err
		}
	}
	if err := parseInt(&p.CidVersion, paramCidVersion, q.Get(paramCidVersion)); err != nil {
		return nil, err
	}
	if err := p.rawLeavesFromQuery(q); err != nil {
		return nil, err
	}
	if err := parseBool(&p.StreamChannels, paramStreamChannels, q); err != nil {
		return nil, err
	}
	if err := parseBool(&p.NoCopy, paramNoCopy, q); err != nil {
		return nil, err
	}
	if err := parseBool(&p.NoPin, paramNoPin, q); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *AddParams) rawLeavesFromQuery(q url.Values) error {
	if q.Get(paramRawLeaves) == "" {
		p.RawLeaves = p.CidVersion > 0
		return nil
	}
	if err := parseBool(&p.RawLeaves, paramRawLeaves, q); err != nil {
		return err
	}
	p.NoRawLeaves = !p.RawLeaves
	return nil
}

// parseBool stores a boolean parameter in any form that strconv.ParseBool accepts.
// An absent or empty parameter leaves target unchanged.
func parseBool(target *bool, name string, q url.Values) error {
	text := q.Get(name)
	if text == "" {
		return nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("parameter %s invalid", name)
	}
	*target = b
	return nil
}
