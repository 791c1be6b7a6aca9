package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/settings"
	"github.com/pinfleet/pinfleet/lbclient"
	_ "github.com/pinfleet/pinfleet/transport/p2p" // for libp2p addresses
)

// session is a command's connection to the cluster.
type session struct {
	*app
	settings *settings.Settings
	client   *lbclient.Client
	out      *output.Printer
	// endpoint is the name of the endpoint that --peer selects, or empty.
	endpoint string
}

// connected returns a function for cobra that connects to the cluster and calls run.
// With --peer, all calls with run's context go to that peer.
func (a *app) connected(run func(ctx context.Context, s *session, args []string) error, opts ...lbclient.Option) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, cancel := a.within(cmd.Context())
		defer cancel()
		s, err := a.connect(opts...)
		if err != nil {
			return err
		}
		defer s.client.Close()
		err = run(lbclient.WithEndpoint(ctx, s.endpoint), s, args)
		if flushed := s.out.Flush(); flushed != nil {
			return flushed
		}
		return err
	}
}

// connect opens a client of the cluster, which the caller closes.
func (a *app) connect(opts ...lbclient.Option) (*session, error) {
	s, err := a.settings()
	if err != nil {
		return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: err}
	}
	if a.debug {
		logger := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
		for _, c := range s.Configs {
			c.Logger = logger
		}
		opts = append(opts, lbclient.WithLogger(logger))
	}
	c, err := lbclient.NewFromConfigs(s.Strategy, s.Configs, s.Retries, opts...)
	if err != nil {
		return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: err}
	}
	endpoint, err := findEndpoint(c, a.peer)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &session{app: a, settings: s, client: c, out: a.printer(), endpoint: endpoint}, nil
}

// settings returns what flags, the environment and the configuration file say about
// the cluster.
func (a *app) settings() (*settings.Settings, error) {
	values, err := a.flagValues()
	if err != nil {
		return nil, err
	}
	for key, value := range values {
		if value == "" {
			return nil, fmt.Errorf("%s is empty: give it a value, or drop it", settings.FlagName(key))
		}
	}
	file, err := settings.ReadFile(settings.Path(a.lookup))
	if err != nil {
		return nil, err
	}
	return settings.Resolve(settings.Input{Flags: values, Context: a.context, Lookup: a.lookup, File: file})
}

// flagValues returns the settings that flags have set, with secrets from standard
// input, each from a line of its own, and warns of those that other users can see.
func (a *app) flagValues() (settings.Values, error) {
	values := a.connection.Values()
	for _, name := range values.Exposed() {
		a.warn("other users of this machine can see the secret in %s: put it into the environment or a context, see pinfleet --help", name)
	}
	for _, key := range settings.Secrets() {
		if values[key] != settings.FromInput {
			continue
		}
		line, err := readLine(a.stdin)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		if values[key] = strings.TrimSpace(line); values[key] == "" {
			return nil, fmt.Errorf("%s - found nothing in standard input: write the secret there, in one line", settings.FlagName(key))
		}
	}
	return values, nil
}

// maxSecret is the maximum size of a line with a secret, in bytes.
const maxSecret = 64 << 10

// readLine returns the next line of r, up to maxSecret bytes, or what comes before the end
// of r. It reads no further, because the items of the command may follow.
func readLine(r io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxSecret {
		n, err := r.Read(one)
		switch line = append(line, one[:n]...); {
		case n > 0 && one[0] == '\n', errors.Is(err, io.EOF):
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return string(line), nil
}

// findEndpoint returns the name of the endpoint that has the given name, or of the
// only one whose name contains it.
func findEndpoint(c *lbclient.Client, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	var all, found []string
	for _, e := range c.Endpoints() {
		all = append(all, e.Endpoint)
		switch {
		case e.Endpoint == name:
			return name, nil
		case strings.Contains(e.Endpoint, name):
			found = append(found, e.Endpoint)
		}
	}
	switch len(found) {
	case 0:
		return "", exitcode.Usage("--peer %s is none of the cluster's addresses: use one of %s", name, strings.Join(all, ", "))
	case 1:
		return found[0], nil
	}
	return "", exitcode.Usage("--peer %s could be any of %s: write more of the address", name, strings.Join(found, ", "))
}
