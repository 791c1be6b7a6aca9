package config

import "reflect"

// Equal reports whether c and other hold the same settings. Either may be nil.
//
// Plain settings are compared by value without normalising them: an empty list
// differs from nil, and two spellings of one address differ. Objects that a Config
// refers to (RoundTripper, Libp2pHost, Resolver, Logger) are compared with ==.
// Functions cannot be compared, so two non-nil TokenFuncs count as equal. So do two
// RoundTrippers or two hosts of the same type whose values cannot be compared.
// [Config.IsComparable] reports whether c has no such value.
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

// IsComparable reports whether [Config.Equal] compares all of c. The result is
// false if c has a TokenFunc, or a RoundTripper or Libp2pHost whose value Go cannot
// compare, such as a function.
func (c *Config) IsComparable() bool {
	return c.TokenFunc == nil && isComparable(c.RoundTripper) && isComparable(c.Libp2pHost)
}

// identical reports whether a == b, or whether a and b have the same type and
// neither can be compared.
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
