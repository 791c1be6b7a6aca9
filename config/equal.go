package config

import "reflect"

// Equal reports whether c and other hold the same settings. Either may be nil.
//
// Plain settings are compared by value, as they are written: an empty list is
// not a nil one, and two ways to write one address differ. What a Config refers
// to (RoundTripper, Libp2pHost, Resolver, Logger) is compared by identity, and
// never looked into. Functions cannot be compared: where both have a TokenFunc,
// these count as equal, and so do two RoundTrippers or two hosts of the same
// type whose values cannot be compared; [Config.IsComparable] tells whether c
// has such.
func (c *Config) Equal(other *Config) bool {
	if c == nil || other == nil {
		return c == other
	}
	if !identical(c.RoundTripper, other.RoundTripper) || !identical(c.Libp2pHost, other.Libp2pHost) ||
		c.Resolver != other.Resolver || c.Logger != other.Logger || (c.TokenFunc == nil) != (other.TokenFunc == nil) {
		return false
	}
	a, b := *c, *other
	for _, plain := range []*Config{&a, &b} {
		plain.RoundTripper, plain.Libp2pHost, plain.Resolver, plain.Logger, plain.TokenFunc = nil, nil, nil, nil, nil
	}
	return reflect.DeepEqual(&a, &b)
}

// IsComparable reports whether [Config.Equal] sees all of c: c has neither a
// TokenFunc nor a RoundTripper or Libp2pHost whose value cannot be compared,
// such as a function.
func (c *Config) IsComparable() bool {
	return c.TokenFunc == nil && isComparable(c.RoundTripper) && isComparable(c.Libp2pHost)
}

// identical reports whether a and b are the same, or cannot be told apart.
func identical(a, b any) bool {
	switch {
	case reflect.TypeOf(a) != reflect.TypeOf(b):
		return false
	case isComparable(a) && isComparable(b):
		return a == b
	}
	return isComparable(a) == isComparable(b)
}

func isComparable(v any) bool { return v == nil || reflect.ValueOf(v).Comparable() }
