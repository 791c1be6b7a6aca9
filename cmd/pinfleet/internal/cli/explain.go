package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/transport"
)

// explain returns an error as one sentence with the remedy.
func (a *app) explain(err error) string {
	var own *exitcode.Error
	switch {
	case errors.Is(err, exitcode.ErrInterrupted):
		return "interrupted"
	case errors.As(err, &own):
		return oneSentence(own.Err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("not finished within %s: allow more with --timeout", a.timeout)
	case exitcode.Of(err) == exitcode.Refused:
		return a.refused(err)
	case allUnreachable(err):
		return unreachable(err)
	case errors.Is(err, client.ErrNotFound):
		return notFound(err)
	}
	return oneSentence(err.Error())
}

// reason returns why a call at one endpoint failed, without the name of the endpoint.
func reason(err error) string {
	var dial *transport.DialError
	var answer *client.Error
	switch {
	case errors.As(err, &dial):
		return dialReason(dial)
	case errors.As(err, &answer):
		short := *answer
		short.Endpoint = ""
		return oneSentence(short.Error())
	}
	return oneSentence(err.Error())
}

// refused explains an error about credentials.
func (a *app) refused(err error) string {
	where := "the cluster"
	var e *client.Error
	if errors.As(err, &e) && e.Endpoint != "" {
		where = e.Endpoint
	}
	status := ""
	if e != nil && e.Status != 0 {
		status = fmt.Sprintf(" (%d)", e.Status)
	}
	return fmt.Sprintf("%s refuses the credentials%s: set PINFLEET_BASIC_AUTH=user:password or PINFLEET_TOKEN, or store them with pinfleet context set", where, status)
}

// notFound explains an error about something that does not exist.
func notFound(err error) string {
	text := oneSentence(err.Error())
	var e *client.Error
	if errors.As(err, &e) {
		switch e.Op {
		case client.OpAllocation, client.OpUnpin, client.OpUnpinPath, client.OpPin, client.OpPinPath:
			return text + ": pinfleet ls lists the pins"
		}
	}
	return text
}

// allUnreachable reports whether no attempt of a call could connect.
func allUnreachable(err error) bool {
	var attempts *lbclient.AttemptsError
	if !errors.As(err, &attempts) {
		return isDial(err)
	}
	for _, attempt := range attempts.Attempts {
		if !isDial(attempt.Err) {
			return false
		}
	}
	return len(attempts.Attempts) > 0
}

func isDial(err error) bool {
	var dial *transport.DialError
	return errors.As(err, &dial)
}

// unreachable explains an error of a call that could not connect to any peer.
func unreachable(err error) string {
	var attempts *lbclient.AttemptsError
	errs := []error{err}
	if errors.As(err, &attempts) {
		errs = attempts.Unwrap()
	}
	var reasons []string
	seen := make(map[string]bool)
	for _, err := range errs {
		var dial *transport.DialError
		if errors.As(err, &dial) && !seen[dial.Addr] {
			seen[dial.Addr] = true
			reasons = append(reasons, fmt.Sprintf("%s (%s)", dial.Addr, dialReason(dial)))
		}
	}
	return fmt.Sprintf("no peer can be reached at %s: start one, or say with --cluster where they are", strings.Join(reasons, ", "))
}

// dialReason returns the part of a dial error that differs between addresses.
func dialReason(dial *transport.DialError) string {
	if dial.Err == nil {
		return "failed"
	}
	cause := dial.Err
	for {
		inner := errors.Unwrap(cause)
		if inner == nil {
			return oneSentence(cause.Error())
		}
		cause = inner
	}
}

// oneSentence returns the lines of a joined error as one line, with the names that
// settings have here.
func oneSentence(text string) string {
	return asFlags.Replace(strings.ReplaceAll(strings.TrimSpace(text), "\n", "; "))
}

// asFlags replaces the names of fields of config.Config in errors of the SDK.
var asFlags = strings.NewReplacer("config: ", "", "set AllowCleartextAuth", "set --allow-cleartext-auth", "set SSL", "set --ssl",
	"SSL is set", "--ssl is set", "drop /tls or SSL", "drop /tls or --ssl", "TLS.ServerName", "--server-name")
