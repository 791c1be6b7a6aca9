package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// directive does what a line of a session asks the test for:
//
//	auth USER PASSWORD          the cluster asks for credentials; only at the start
//	raft                        the cluster uses Raft; only at the start
//	env NAME=VALUE              sets an environment variable
//	stdin TEXT                  is the standard input of the next invocation; \n is a new line
//	chmod MODE                  changes who may read the configuration file
//	advance TIME                moves the clock
//	seed N                      adds N pins to the cluster
//	stop N, start N, stop-ipfs N
//	status CID N STATUS TEXT    sets the status of an item at a peer
//	answer N ROUTE STATUS TEXT  makes a peer answer the next request of a route so
func (s *script) directive(line string) {
	s.t.Helper()
	words := strings.Fields(line)
	rest := strings.TrimSpace(strings.TrimPrefix(line, words[0]))
	switch words[0] {
	case "auth":
		s.options.BasicAuth = map[string]string{words[1]: words[2]}
		return
	case "raft":
		s.options.Consensus = clustertest.Raft
		return
	}
	s.start()
	switch words[0] {
	case "env":
		name, value, _ := strings.Cut(rest, "=")
		s.env[name] = s.names().Replace(value)
	case "stdin":
		s.stdin = s.names().Replace(strings.ReplaceAll(rest, `\n`, "\n"))
	case "chmod":
		mode, err := strconv.ParseUint(words[1], 8, 32)
		s.check(err)
		s.check(os.Chmod(filepath.Join(s.env["HOME"], ".config", "pinfleet", "config.json"), os.FileMode(mode)))
	case "advance":
		d, err := time.ParseDuration(words[1])
		s.check(err)
		s.clock = s.clock.Add(d)
	case "seed":
		n, err := strconv.Atoi(words[1])
		s.check(err)
		s.cluster.Seed(n)
	case "stop":
		s.peer(words[1]).Stop()
	case "start":
		s.check(s.peer(words[1]).Start())
	case "stop-ipfs":
		s.peer(words[1]).StopIPFS()
	case "status":
		ci, err := cid.Decode(s.names().Replace(words[1]))
		s.check(err)
		n, err := strconv.Atoi(words[2])
		s.check(err)
		if !s.cluster.SetStatus(ci, n, api.TrackerStatusFromString(words[3]), strings.Join(words[4:], " ")) {
			s.t.Fatalf("%s: no such pin", line)
		}
	case "answer":
		status, err := strconv.Atoi(words[4])
		s.check(err)
		s.peer(words[1]).Inject(clustertest.Fault{
			Route: words[2] + " " + words[3], Times: 1, Effect: clustertest.ErrorAnswer(status, strings.Join(words[5:], " ")),
		})
	default:
		s.t.Fatalf("unknown directive: %s", line)
	}
}

func (s *script) peer(text string) *clustertest.Peer {
	n, err := strconv.Atoi(text)
	s.check(err)
	return s.cluster.Peer(n)
}

func (s *script) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
