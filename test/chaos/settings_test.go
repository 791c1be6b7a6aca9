//go:build unix

package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	s, err := parse(nil, io.Discard)
	if err != nil || s.duration != time.Minute || len(s.strategies) != 5 || s.peers != nil || s.count != 3 {
		t.Errorf("defaults: %+v, error %v", s, err)
	}
	s, err = parse([]string{
		"-peers", "/ip4/127.0.0.1/tcp/1,/ip4/127.0.0.1/tcp/2", "-ipfs", "/ip4/127.0.0.1/tcp/3,/ip4/127.0.0.1/tcp/4",
		"-kill", "k {i}", "-start", "s {i}", "-strategy", "sticky",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.peers) != 2 || s.peers[1].ProxyAddr.String() != "/ip4/127.0.0.1/tcp/4" || len(s.strategies) != 1 {
		t.Errorf("got %+v", s)
	}
	if got := (&commands{settings: s}).harms(); len(got) != 1 || got[0] != kill {
		t.Errorf("harms %v", got)
	}
	if _, err := parse([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	const two = "-peers 127.0.0.1:1,127.0.0.1:2 "
	for _, c := range []struct{ args, want string }{
		{"argument", "only flags"},
		{"-scenario none", "-scenario"},
		{"-duration 0s", "-duration"},
		{"-deadline -1s", "-deadline"},
		{"-rest -1s", "-rest"},
		{"-retries -1", "-retries"},
		{"-rate 0", "-rate"},
		{"-rate NaN", "-rate"},
		{"-n 1", "-n 1"},
		{"-strategy best", "leastloaded"},
		{"-stop x", "add -peers"},
		{"-ipfs /ip4/127.0.0.1/tcp/1", "add -peers"},
		{"-peers 127.0.0.1:1 -pause x -resume y", "two peers"},
		{"-peers ///", "address"},
		{two, "no faults"},
		{two + "-stop x", "-start"},
		{two + "-start x", "-stop"},
		{two + "-pause x", "-resume"},
		{two + "-stop x -start y -scenario stopped-first", "-pause"},
		{two + "-pause x -resume y -ipfs /ip4/127.0.0.1/tcp/1", "1 addresses"},
		{two + "-pause x -resume y -ipfs 127.0.0.1:1,127.0.0.1:2", "not a multiaddress"},
	} {
		if _, err := parse(strings.Fields(c.args), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.args, err, c.want)
		}
	}
	if _, err := parse(strings.Fields("-rate 0 -n 1 -strategy best"), io.Discard); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three problems: error %v", err)
	}
}
