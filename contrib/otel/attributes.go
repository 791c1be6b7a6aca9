package otel

import (
	"net"
	"strconv"
	"strings"

	"github.com/multiformats/go-multiaddr"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// methodName returns a qualified name that is the same for all calls of an
// operation, as the semantic conventions require for remote procedures.
func methodName(op client.Op) string { return "Cluster/" + string(op) }

func methodAttributes(op client.Op) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.RPCSystemNameKey.String("ipfs_cluster"),
		semconv.RPCMethod(methodName(op)),
	}
}

// endpointAttributes returns the attributes of an endpoint: its name, and its
// address if the name is an address.
func endpointAttributes(name string) []attribute.KeyValue {
	attrs := []attribute.KeyValue{attribute.String("pinfleet.endpoint", name)}
	cfg := config.Config{}
	switch {
	case strings.HasPrefix(name, "/"):
		addr, err := multiaddr.NewMultiaddr(name)
		if err != nil {
			return attrs
		}
		cfg.APIAddr = addr
	case strings.Contains(name, "://"):
		cfg.URL = name
	default:
		return attrs // the name of a client that was not made from a Config
	}
	addr, err := cfg.Address()
	if err != nil {
		return attrs
	}
	if addr.Socket != "" {
		return append(attrs, semconv.ServerAddress(addr.Socket))
	}
	host, port, err := net.SplitHostPort(addr.HostPort)
	if err != nil {
		return attrs
	}
	attrs = append(attrs, semconv.ServerAddress(host))
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	return attrs
}
