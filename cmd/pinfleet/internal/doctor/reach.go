package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/transport"
)

// reach checks that the endpoint can be reached, that it is an API of a cluster, and that
// it accepts the credentials. It reports whether the other checks make sense.
func (e *endpoint) reach(ctx context.Context) bool {
	return e.ask(ctx, e.opts.Timeout, "whether it is alive", e.c.Health) &&
		e.ask(ctx, e.opts.Timeout, "its version", func(ctx context.Context) error {
			v, err := e.c.Version(ctx)
			if err == nil {
				e.version = v.Version
			}
			return err
		})
}

// diagnose returns the finding for the error of a call that asked for what.
func (e *endpoint) diagnose(err error, what string, limit time.Duration) Finding {
	var failed *client.Error
	_ = errors.As(err, &failed)
	var dial *transport.DialError
	switch {
	case errors.As(err, &dial):
		return e.unconnected(dial, limit)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return unanswered(what, limit)
	case failed == nil:
		return Finding{ID: PeerError, Severity: Error, What: fmt.Sprintf("asking for %s fails: %v", what, err),
			Why: "Calls to this endpoint fail.", Do: "Look at the error, and at the log of the peer."}
	case errors.Is(err, client.ErrCredentials), errors.Is(err, client.ErrUnauthorized):
		return e.unauthorized(failed)
	case failed.Status == 0:
		return Finding{ID: Interrupted, Severity: Error, What: fmt.Sprintf("the connection was cut while it was asked for %s: %v", what, failed.Err),
			Why: "Calls to this endpoint fail, and it is not known whether it has executed them.",
			Do:  "Look at the log of the peer, and of the proxies in front of it: something ends the connection."}
	case failed.Status >= 300:
		return statusFinding(failed, what)
	}
	return Finding{ID: NotTheAPI, Severity: Error, What: fmt.Sprintf("the answer to the question for %s is not one of a cluster peer: %v", what, failed.Err),
		Why: "Another server answers at this address, or something on the way changes the answers.",
		Do:  "Check host, port and base path of the address, and the proxies on the way. The API of a peer listens on port 9094."}
}

func unanswered(what string, limit time.Duration) Finding {
	return Finding{ID: NoAnswer, Severity: Error, What: fmt.Sprintf("no answer within %s when asked for %s", limit, what),
		Why: "The peer, or a proxy in front of it, accepts connections and hangs. Calls to it take as long as they may.",
		Do:  "Look at the load and the log of the peer, and restart it if it does not recover. If only far away peers are slow, use a longer --timeout."}
}

// unconnected returns the finding for an endpoint to which there is no connection.
func (e *endpoint) unconnected(dial *transport.DialError, limit time.Duration) Finding {
	var dns *net.DNSError
	f := Finding{ID: Unreachable, Severity: Error, What: "there is no connection: " + cause(dial).Error(),
		Why: "Nothing can be done through this endpoint.",
		Do:  "Check that the machine runs, that the address is right, and that firewalls on the way permit the connection."}
	switch {
	case dial.Local:
		f.ID = ThisMachine
		f.Do = "Check the network, the routes, the firewall and the limit of open files of this machine. The endpoint is not to blame."
	case errors.As(dial, &dns) && !dns.IsTimeout:
		f.ID, f.What = NameUnknown, fmt.Sprintf("the name %q has no address: %s", dns.Name, dns.Err)
		f.Do = "Check the spelling of the name, and the name server of this machine."
	case errors.Is(dial, syscall.ECONNREFUSED), errors.Is(dial, syscall.ENOENT):
		f.ID = Refused
		f.Do = "Start the peer, or correct the port. By default, a peer's API listens on 127.0.0.1 only: set restapi.http_listen_multiaddress to serve other machines."
	case errors.Is(dial, context.DeadlineExceeded), errors.Is(dial, os.ErrDeadlineExceeded):
		f.What = fmt.Sprintf("there is no connection within %s", limit)
	default:
		if t, ok := e.tlsFinding(dial); ok {
			return t
		}
	}
	return f
}

// cause returns the innermost error of a DialError that has a useful text.
func cause(dial *transport.DialError) error {
	var op *net.OpError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(dial, &verification):
		return verification.Err
	case errors.As(dial, &op):
		return op.Err
	case dial.Err != nil:
		return dial.Err
	}
	return dial
}

// statusFinding returns the finding for an answer with a status that is not a success.
func statusFinding(failed *client.Error, what string) Finding {
	f := Finding{ID: PeerError, Severity: Error, What: fmt.Sprintf("asked for %s, it answers %d: %s", what, failed.Status, text(failed)),
		Why: "Calls to this endpoint fail.", Do: "Look at the log of the peer."}
	switch {
	case failed.Status == http.StatusBadRequest && strings.Contains(failed.Message, "HTTP request to an HTTPS server"):
		f.ID = TLSRequired
		f.What = "the server speaks TLS, and the address says plain HTTP"
		f.Do = "Use an address that ends in /https, or an https:// URL."
	case failed.Status < 400:
		f.ID = Redirected
		f.Why = "A redirect to another host is not followed, because it would take the credentials there. Often it leads to a login page, or from http to https."
		f.Do = "Use the final address, or give the credentials that the proxy asks for."
	case failed.Status == http.StatusBadGateway, failed.Status == http.StatusServiceUnavailable, failed.Status == http.StatusGatewayTimeout:
		f.ID = GatewayDown // a peer never answers these
		f.Why = "A proxy answers, and the peer behind it does not."
		f.Do = "Start the peer, or correct the address to which the proxy sends requests."
	case failed.Status == http.StatusTooManyRequests:
		f.ID, f.Severity = Overloaded, Warning
		f.Why = "The endpoint refuses requests for now. They go to other endpoints, if there are any."
		f.Do = "Send fewer requests, or raise the limit of the proxy or service in front of the peer."
	case failed.IsForeign(), failed.Status < 500:
		f.ID = NotTheAPI
		f.Why = "Another server answers at this address."
		f.Do = "Check host, port and base path of the address, and the proxies on the way. The API of a peer listens on port 9094."
	}
	return f
}

// text returns the server's message or, if it sent none or a page of HTML, the name of
// the status.
func text(failed *client.Error) string {
	if failed.Message != "" && !strings.HasPrefix(failed.Message, "<") {
		return failed.Message
	}
	if name := http.StatusText(failed.Status); name != "" {
		return name
	}
	return failed.Err.Error()
}
