package api

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"
)

// Names of the query parameters of PinOptions.
const (
	paramReplication    = "replication"
	paramReplicationMin = "replication-min"
	paramReplicationMax = "replication-max"
	paramName           = "name"
	paramMode           = "mode"
	paramShardSize      = "shard-size"
	paramAllocations    = "user-allocations"
	paramExpireAt       = "expire-at"
	paramExpireIn       = "expire-in"
	paramPinUpdate      = "pin-update"
	paramOrigins        = "origins"
	paramMetaPrefix     = "meta-"
)

// ToQuery encodes the options as a query string with sorted keys. The text is that of
// upstream's encoder. ToQuery returns an error only if the year of ExpireAt is
// outside 0 to 9999. Validate finds other options that a server would refuse.
func (o PinOptions) ToQuery() (string, error) {
	q, err := o.query()
	if err != nil {
		return "", err
	}
	return q.Encode(), nil
}

func (o PinOptions) query() (pairs, error) {
	q := make(pairs, 0, 24) // enough for an add, too
	q.Set(paramReplicationMin, strconv.Itoa(o.ReplicationFactorMin))
	q.Set(paramReplicationMax, strconv.Itoa(o.ReplicationFactorMax))
	q.Set(paramName, o.Name)
	q.Set(paramMode, o.Mode.String())
	q.Set(paramShardSize, strconv.FormatUint(o.ShardSize, 10))
	q.Set(paramAllocations, strings.Join(PeersToStrings(o.UserAllocations), ","))
	if !o.ExpireAt.IsZero() {
		text, err := o.ExpireAt.MarshalText()
		if err != nil {
			return nil, fmt.Errorf("expiry time cannot be sent: %w", err)
		}
		q.Set(paramExpireAt, string(text))
	}
	for key, value := range o.Metadata {
		if key != "" {
			q.Set(paramMetaPrefix+key, value)
		}
	}
	if o.PinUpdate.Defined() {
		q.Set(paramPinUpdate, o.PinUpdate.String())
	}
	if len(o.Origins) > 0 {
		texts := make([]string, len(o.Origins))
		for i, origin := range o.Origins {
			texts[i] = origin.String()
		}
		q.Set(paramOrigins, strings.Join(texts, ","))
	}
	return q, nil
}

// FromQuery replaces the options with those in the query. It parses like the server,
// with the same order and error texts, and counts expire-in from now. On error, the
// options that were parsed before the error remain set, because a v1.1.6 server pins
// with exactly these (Q1). On success, Metadata is not nil.
func (o *PinOptions) FromQuery(q url.Values) error {
	*o = PinOptions{
		Name: q.Get(paramName),
		Mode: PinModeFromString(q.Get(paramMode)),
	}
	for _, step := range []func(url.Values) error{
		o.replicationFromQuery,
		o.shardSizeFromQuery,
		o.allocationsFromQuery,
		o.expiryFromQuery,
		o.metadataFromQuery,
		o.pinUpdateFromQuery,
		o.originsFromQuery,
	} {
		if err := step(q); err != nil {
			return err
		}
	}
	return nil
}

func (o *PinOptions) replicationFromQuery(q url.Values) error {
	lower, upper := q.Get(paramReplicationMin), q.Get(paramReplicationMax)
	if both := q.Get(paramReplication); both != "" {
		lower, upper = both, both
	}
	if err := parseInt(&o.ReplicationFactorMin, paramReplicationMin, lower); err != nil {
		return err
	}
	return parseInt(&o.ReplicationFactorMax, paramReplicationMax, upper)
}

func (o *PinOptions) shardSizeFromQuery(q url.Values) error {
	text := q.Get(paramShardSize)
	if text == "" {
		return nil
	}
	size, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("parameter shard_size is invalid")
	}
	o.ShardSize = size
	return nil
}

func (o *PinOptions) allocationsFromQuery(q url.Values) error {
	if text := q.Get(paramAllocations); text != "" {
		o.UserAllocations = StringsToPeers(strings.Split(text, ","))
	}
	return nil
}

func (o *PinOptions) expiryFromQuery(q url.Values) error {
	if text := q.Get(paramExpireAt); text != "" {
		var at time.Time
		if err := at.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("expire-at cannot be parsed: %w", err)
		}
		o.ExpireAt = at
		return nil
	}
	text := q.Get(paramExpireIn)
	if text == "" {
		return nil
	}
	in, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("expire-in cannot be parsed: %w", err)
	}
	if in < time.Second {
		return errors.New("expire-in duration too short")
	}
	o.ExpireAt = time.Now().Add(in)
	return nil
}

func (o *PinOptions) metadataFromQuery(q url.Values) error {
	o.Metadata = make(map[string]string)
	for name := range q {
		if key, ok := strings.CutPrefix(name, paramMetaPrefix); ok && key != "" {
			o.Metadata[key] = q.Get(name)
		}
	}
	return nil
}

func (o *PinOptions) pinUpdateFromQuery(q url.Values) error {
	text := q.Get(paramPinUpdate)
	if text == "" {
		return nil
	}
	c, err := DecodeCid(text)
	if err != nil {
		return fmt.Errorf("error decoding update option parameter: %w", err)
	}
	o.PinUpdate = c
	return nil
}

func (o *PinOptions) originsFromQuery(q url.Values) error {
	text := q.Get(paramOrigins)
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	origins := make([]Multiaddr, len(parts))
	for i, part := range parts {
		m, err := multiaddr.NewMultiaddr(part)
		if err != nil {
			return fmt.Errorf("error decoding multiaddress: %w", err)
		}
		if _, err := m.ValueForProtocol(multiaddr.P_P2P); err != nil {
			return fmt.Errorf("multiaddress does not contain peer ID: %w", err)
		}
		origins[i] = NewMultiaddrWithValue(m)
	}
	o.Origins = origins
	return nil
}

// parseInt stores a decimal parameter. An empty text leaves target unchanged.
func parseInt(target *int, name, text string) error {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("parameter %s invalid", name)
	}
	*target = n
	return nil
}

// Validate reports all options that every server refuses or silently drops. Sending
// them anyway is worse than an error: a v1.1.6 server that refuses an option pins
// with only the options that it parsed before (Q1).
func (o PinOptions) Validate() error {
	var wrong problems
	lower, upper := o.ReplicationFactorMin, o.ReplicationFactorMax
	switch {
	case lower < -1 || upper < -1:
		wrong.addf("replication factors %d and %d are invalid: use -1 for every peer, 0 for the server's default, or a count", lower, upper)
	case lower == -1 && upper > 0, lower > 0 && upper == -1:
		wrong.addf("replication factors %d and %d are invalid: both must be -1 when one is", lower, upper)
	case upper > 0 && lower > upper:
		wrong.addf("replication factors %d and %d are invalid: the minimum must not be larger than the maximum", lower, upper)
	}
	if o.Mode != PinModeRecursive && o.Mode != PinModeDirect {
		wrong.addf("unknown pin mode %d: use PinModeRecursive or PinModeDirect", int(o.Mode))
	}
	for _, p := range o.UserAllocations {
		if _, err := multihash.Cast([]byte(p)); err != nil {
			wrong.addf("user allocation %q is not a peer ID: %w", p.String(), err)
		}
	}
	if _, err := o.ExpireAt.MarshalText(); err != nil {
		wrong.addf("expiry time cannot be sent: %w", err)
	}
	for _, origin := range o.Origins {
		if err := validateOrigin(origin); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

func validateOrigin(origin Multiaddr) error {
	if strings.Contains(string(origin), ",") {
		return fmt.Errorf("origin %q contains a comma, which separates origins: leave it out", origin)
	}
	m, err := origin.Multiaddr()
	if err != nil {
		return fmt.Errorf("origin %q is not a multiaddress: %w", origin, err)
	}
	if _, err := m.ValueForProtocol(multiaddr.P_P2P); err != nil {
		return fmt.Errorf("origin %q has no peer ID: append /p2p/<peer ID>: %w", origin, err)
	}
	return nil
}

// problems collects the errors of Validate.
type problems []error

func (p *problems) addf(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }
