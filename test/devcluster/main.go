// Devcluster serves an in-process IPFS Cluster on fixed ports, for clients in
// any language:
//
//	go run ./test/devcluster -peers 3 -port 9094
//
// Peer i listens on 127.0.0.1, port 9094+100*i. The command prints one
// multiaddr per line, "ipfs MULTIADDR" for each peer with -ipfs, "ca FILE" with
// -tls, and then "ready". It serves until it is interrupted. Then everything that
// was added is lost.
//
// To have one process per peer, for example to kill it, serve the state in one
// process and the API of each peer in another:
//
//	go run ./test/devcluster -port 19094
//	go run ./test/devcluster -port 9094 -forward-to 127.0.0.1:19094
//	go run ./test/devcluster -port 9194 -forward-to 127.0.0.1:19194
//	go run ./test/devcluster -port 9294 -forward-to 127.0.0.1:19294
//
// With -forward-to, the process only forwards the bytes of connections. If it is
// killed or stopped, clients see what they would see of the API of a peer that is
// killed or stopped. The other peers are not affected, and the state is kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "devcluster: %v\n", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. The text of an error is one sentence.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if s.forwardTo != "" {
		return forward(ctx, s.BasePort, s.forwardTo, stdout)
	}
	cluster, err := clustertest.Start(s.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	for _, p := range cluster.Peers() {
		for _, addr := range p.Addrs() {
			if _, err := fmt.Fprintln(stdout, addr); err != nil {
				return err
			}
		}
	}
	if s.ipfs {
		addrs, stop, err := serveIPFS(cluster, s.BasePort)
		if err != nil {
			return err
		}
		defer stop()
		for _, addr := range addrs {
			if _, err := fmt.Fprintln(stdout, "ipfs", addr); err != nil {
				return err
			}
		}
	}
	if pem := cluster.CAPEM(); pem != nil {
		file, err := writeTemp(pem)
		if err != nil {
			return err
		}
		defer os.Remove(file)
		if _, err := fmt.Fprintln(stdout, "ca", file); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(stdout, "ready"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// settings are the values of the flags.
type settings struct {
	clustertest.Options
	ipfs      bool
	forwardTo string
}

// addUser adds a value of -basic-auth.
func (s *settings) addUser(text string) error {
	user, password, ok := strings.Cut(text, ":")
	if !ok || user == "" || password == "" {
		// The error must not contain the text, which is a secret.
		return errors.New("use user:password, neither empty")
	}
	if s.BasicAuth == nil {
		s.BasicAuth = make(map[string]string)
	}
	s.BasicAuth[user] = password
	return nil
}

// onlyForwards reports whether to is a host and port, and no flag is set that has no
// effect on forwarding.
func onlyForwards(flags *flag.FlagSet, to string) bool {
	_, _, err := net.SplitHostPort(to)
	only := err == nil
	flags.Visit(func(f *flag.Flag) {
		only = only && (f.Name == "forward-to" || f.Name == "port")
	})
	return only
}

// parse parses the flags. The help text goes to stderr.
func parse(args []string, stderr io.Writer) (settings, error) {
	opts := settings{Options: clustertest.Options{Listen: clustertest.HTTP}}
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.IntVar(&opts.Peers, "peers", 3, "number of peers")
	flags.IntVar(&opts.BasePort, "port", 9094, "port of the first peer; each next one is 100 higher")
	flags.StringVar(&opts.UnixDir, "unix", "", "also serve on the sockets peer<i>.sock in this directory")
	useTLS := flags.Bool("tls", false, "serve HTTPS instead of HTTP, with a self-signed certificate")
	libp2p := flags.Bool("libp2p", false, "also serve on libp2p, two ports above")
	flags.BoolVar(&opts.ipfs, "ipfs", false, "also serve each peer's IPFS proxy, one port above; only its method cat works")
	flags.StringVar(&opts.forwardTo, "forward-to", "", "only forward connections on -port to this `host:port`, where another devcluster serves")
	consensus := flags.String("consensus", string(clustertest.CRDT), "crdt or raft")
	flags.Func("basic-auth", "ask for these credentials, `user:password`; can be repeated", opts.addUser)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
			return opts, err
		}
		return opts, hideSecret(err)
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("unexpected argument %q: there are only flags, see -help", flags.Arg(0))
	}
	if opts.Peers < 1 {
		return opts, fmt.Errorf("number of peers %d: use at least 1", opts.Peers)
	}
	if opts.forwardTo != "" && !onlyForwards(flags, opts.forwardTo) {
		return opts, errors.New("-forward-to: use host:port, and no other flag than -port")
	}
	if opts.BasePort < 1 {
		return opts, fmt.Errorf("port %d: use 1 to 65535", opts.BasePort)
	}
	opts.Consensus = clustertest.Consensus(*consensus)
	if *useTLS {
		opts.Listen = clustertest.HTTPS
	}
	if opts.UnixDir != "" {
		opts.Listen |= clustertest.Unix
	}
	if *libp2p {
		opts.Listen |= clustertest.Libp2p
	}
	return opts, nil
}

// hideSecret keeps the value of -basic-auth out of the error about it.
func hideSecret(err error) error {
	if strings.Contains(err.Error(), "-basic-auth") {
		return errors.New("-basic-auth needs user:password, neither empty")
	}
	return fmt.Errorf("%w, see -help", err)
}

func writeTemp(content []byte) (string, error) {
	f, err := os.CreateTemp("", "devcluster-ca-*.pem")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
