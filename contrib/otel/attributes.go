package otel

import (
	"context"
	"errors"
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

// statusOf returns the HTTP status of the response that caused err, or 0 if
// there was none.
func statusOf(err error) int {
	var e *client.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// errorTypes are the values of error.type by sentinel, in order of precedence.
var errorTypes = []struct {
	target error
	name   string
}{
	{client.ErrSource, "source"},
	{client.ErrInvalid, "invalid"},
	{client.ErrBodyNotReplayable, "not_replayable"},
	{context.DeadlineExceeded, "timeout"},
	{client.ErrIncomplete, "incomplete"},
}

// errorType returns the error.type of err. A closed client and a cancellation
// by the caller take precedence over the status of the last response.
func errorType(err error) string {
	switch status := statusOf(err); {
	case errors.Is(err, client.ErrClosed):
		return "closed"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case status >= 400:
		return strconv.Itoa(status)
	}
	for _, known := range errorTypes {
		if errors.Is(err, known.target) {
			return known.name
		}
	}
	var e *client.Error
	switch {
	case !errors.As(err, &e):
	case e.Status != 0:
		return "stream"
	case !e.MayHaveExecuted:
		return "unsent"
	}
	return semconv.ErrorTypeOther.Value.AsString()
}
