//go:build unix

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// The scenarios.
const (
	stormy       = "storm"
	stoppedFirst = "stopped-first"
)

// everyStrategy is the value of -strategy that divides the load among one load
// balancer for each strategy.
const everyStrategy = "all"

// settings are the values of the flags.
type settings struct {
	scenario    string
	duration    time.Duration
	rate        float64
	seed        uint64
	deadline    time.Duration // of each call
	retries     int           // of the load balancers
	settle      time.Duration // for peers to start and to agree on the pinset
	rest        time.Duration // of a peer after its return, without a fault
	strategies  []string
	allowOutage bool

	count int // number of our own peers
	peers []*config.Config
	// commands has the command of each flag that names one.
	commands map[string]string
}

func parse(args []string, stderr io.Writer) (*settings, error) {
	s := &settings{commands: map[string]string{}}
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.scenario, "scenario", stormy, "`name` of the scenario: "+stormy+" or "+stoppedFirst)
	flags.DurationVar(&s.duration, "duration", time.Minute, "of the load")
	flags.Float64Var(&s.rate, "rate", 50, "calls per second")
	flags.Uint64Var(&s.seed, "seed", 1, "of the load and of the faults")
	flags.DurationVar(&s.deadline, "deadline", 20*time.Second, "of each call")
	flags.DurationVar(&s.settle, "settle", 2*time.Minute, "how long a peer may take to start, and all peers to agree on the pinset at the end")
	flags.IntVar(&s.retries, "retries", 3, "of each call; a pause that a call meets costs it an attempt of 7.5 s")
	flags.DurationVar(&s.rest, "rest", 0, "how long a peer that is back is not harmed again, so that it can read what it has missed")
	name := flags.String("strategy", everyStrategy, "`name` of the strategy: "+strings.Join(slices.Sorted(maps.Keys(strategies())), ", ")+", or "+everyStrategy+" for one load balancer each")
	flags.BoolVar(&s.allowOutage, "allow-outage", false, "also harm the last peer that is up; calls may then fail")
	flags.IntVar(&s.count, "n", 3, "number of peers of our own cluster")
	peers := flags.String("peers", "", "comma-separated `addresses` of the peers of an existing cluster")
	ipfs := flags.String("ipfs", "", "comma-separated `multiaddresses` of the peers' IPFS proxies; default: port 9095 of each peer")
	for _, c := range []struct{ name, usage string }{
		{"start", "starts peer {i} after -stop or -kill"},
		{"stop", "stops peer {i}"},
		{"kill", "kills peer {i}"},
		{"pause", "pauses peer {i}"},
		{"resume", "ends -pause"},
	} {
		flags.Func(c.name, "`command` that "+c.usage, func(text string) error {
			s.commands[c.name] = text
			return nil
		})
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	errs := []error{s.setStrategies(*name), s.setPeers(*peers, *ipfs), s.check()}
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q: there are only flags, see -help", flags.Arg(0)))
	}
	return s, errors.Join(errs...)
}

// check returns all problems with the numbers and the scenario.
func (s *settings) check() error {
	var errs []error
	if s.scenario != stormy && s.scenario != stoppedFirst {
		errs = append(errs, fmt.Errorf("-scenario %q: use %s or %s", s.scenario, stormy, stoppedFirst))
	}
	if s.duration <= 0 || s.deadline <= 0 || s.settle <= 0 {
		errs = append(errs, errors.New("-duration, -deadline and -settle must be above 0"))
	}
	if s.retries < 0 {
		errs = append(errs, fmt.Errorf("-retries %d: use 0 or more", s.retries))
	}
	if s.rest < 0 {
		errs = append(errs, fmt.Errorf("-rest %s: use 0 or more", s.rest))
	}
	if !(s.rate > 0) || s.rate > 10_000 {
		errs = append(errs, fmt.Errorf("-rate %g: use more than 0 and at most 10000", s.rate))
	}
	if s.count < 2 || s.count > 32 {
		errs = append(errs, fmt.Errorf("-n %d: use 2 to 32", s.count))
	}
	return errors.Join(errs...)
}

// setStrategies sets the strategies from the value of -strategy.
func (s *settings) setStrategies(name string) error {
	known := slices.Sorted(maps.Keys(strategies()))
	switch {
	case name == everyStrategy:
		s.strategies = known
	case slices.Contains(known, name):
		s.strategies = []string{name}
	default:
		return fmt.Errorf("-strategy %q: use %s or %s", name, strings.Join(known, ", "), everyStrategy)
	}
	return nil
}

// setPeers sets the peers of an existing cluster, and checks the commands.
func (s *settings) setPeers(peers, ipfs string) error {
	if peers == "" {
		if len(s.commands) > 0 || ipfs != "" {
			return errors.New("commands and -ipfs are for an existing cluster: add -peers")
		}
		return nil
	}
	var err error
	s.peers, err = config.FromEnv(func(name string) (string, bool) {
		if name == "PINFLEET_API" {
			return peers, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return err
	}
	if err := setProxies(s.peers, ipfs); err != nil {
		return err
	}
	has := func(name string) bool { return s.commands[name] != "" }
	switch {
	case len(s.peers) < 2:
		return errors.New("-peers: at least two peers are needed, so that one is up")
	case has("start") != (has("stop") || has("kill")):
		return errors.New("-start and -stop or -kill: one needs the other")
	case has("pause") != has("resume"):
		return errors.New("-pause and -resume: one needs the other")
	case len(s.commands) == 0:
		return errors.New("no faults: use -stop and -start, or -pause and -resume")
	case s.scenario == stoppedFirst && !has("pause"):
		return errors.New("-scenario " + stoppedFirst + " needs -pause and -resume")
	}
	return nil
}

// setProxies sets the addresses of the IPFS proxies, if there are any.
func setProxies(peers []*config.Config, list string) error {
	if list == "" {
		return nil
	}
	proxies, err := config.ParseAddrs(list)
	if err != nil {
		return fmt.Errorf("-ipfs: %w", err)
	}
	if len(proxies) != len(peers) {
		return fmt.Errorf("-ipfs has %d addresses, -peers %d: give one for each peer", len(proxies), len(peers))
	}
	for i, proxy := range proxies {
		if len(proxy.APIAddr) == 0 {
			return fmt.Errorf("-ipfs: address %d is not a multiaddress", i+1)
		}
		peers[i].ProxyAddr = proxy.APIAddr
	}
	return nil
}

// strategies returns a new value of each strategy, by name.
func strategies() map[string]strategy.LBStrategy {
	return map[string]strategy.LBStrategy{
		"failover":    &strategy.Failover{},
		"roundrobin":  &strategy.RoundRobin{},
		"leastloaded": &strategy.LeastLoaded{},
		"sticky":      &strategy.Sticky{},
		"weighted":    &strategy.Weighted{},
	}
}
