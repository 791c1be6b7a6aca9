package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// settings are the command-line settings.
type settings struct {
	cfgs     []*config.Config // endpoints of -cluster; nil for a cluster in this process
	keep     bool
	strategy strategy.LBStrategy
	paths    []string
}

// parse parses the command line and checks its values, so that nothing is
// started after a mistake.
func parse(args []string) (*settings, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	cluster := flags.String("cluster", "", "comma-separated `addresses` of the peers to use, instead of a cluster in this process")
	keep := flags.Bool("keep", false, "with -cluster, leave the large file pinned at the end")
	name := flags.String("strategy", "failover", strategyNames)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: quickstart [-cluster ADDR,ADDR… [-keep]] [-strategy NAME] [PATH…]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, flag.ErrHelp // flags has printed the error
	}
	s := &settings{keep: *keep, paths: flags.Args()}
	var err error
	if s.strategy, err = newStrategy(*name); err != nil {
		return nil, err
	}
	if *cluster != "" {
		if s.cfgs, err = clusterConfigs(*cluster); err != nil {
			return nil, err
		}
	} else if s.keep {
		return nil, errors.New("-keep is for a cluster of yours: use it with -cluster")
	}
	for _, path := range s.paths {
		if err := checkPath(path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

const strategyNames = "failover, roundrobin, leastloaded, sticky or weighted"

func newStrategy(name string) (strategy.LBStrategy, error) {
	switch name {
	case "failover":
		return &strategy.Failover{}, nil
	case "roundrobin":
		return &strategy.RoundRobin{}, nil
	case "leastloaded":
		return &strategy.LeastLoaded{}, nil
	case "sticky":
		return &strategy.Sticky{}, nil
	case "weighted":
		return &strategy.Weighted{}, nil
	}
	return nil, fmt.Errorf("unknown strategy %q: use %s", name, strategyNames)
}

// checkPath returns an error if path cannot be added, as far as can be checked locally.
func checkPath(path string) error {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return nil // fetched over HTTP
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return fmt.Errorf("%s is neither a file nor a directory", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// unpins reports whether to unpin the large file at the end.
func (s *settings) unpins() bool { return s.cfgs != nil && !s.keep }

// labels returns the names of the paths for the output.
func (s *settings) labels() []string {
	if len(s.paths) == 0 {
		return []string{"the site shipped with this example"}
	}
	return s.paths
}

// clusterConfigs returns the endpoints of -cluster, with other settings from
// the environment.
func clusterConfigs(addrs string) ([]*config.Config, error) {
	cfgs, err := config.FromEnv(func(name string) (string, bool) {
		if name == "PINFLEET_API" {
			return addrs, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return nil, fmt.Errorf("-cluster or its environment: %w", err)
	}
	return cfgs, nil
}
