package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// command is a command on standard input. Its argument is the number of a node.
type command struct {
	name string
	help string
	do   func(c *pyxistest.Cluster, n *pyxistest.Node) error
}

var commands = []command{
	{"move", "make node N the leader, in an orderly change", func(c *pyxistest.Cluster, n *pyxistest.Node) error {
		return c.MoveLeader(n.Index())
	}},
	{"stop", "stop node N, as a crash does; if it leads, the others elect a leader", func(_ *pyxistest.Cluster, n *pyxistest.Node) error {
		n.Stop()
		return nil
	}},
	{"start", "start node N again, at the same address", func(_ *pyxistest.Cluster, n *pyxistest.Node) error {
		return n.Start()
	}},
	{"cut", "close the connections of node N, which accepts new ones", func(_ *pyxistest.Cluster, n *pyxistest.Node) error {
		n.CutConnections()
		return nil
	}},
}

// errCommand is the error of a line that is not a command.
var errCommand = errors.New("unknown command: write help for a list")

// serveCommands carries out the commands on in, one per line, until it ends. It
// answers each of them with a line on out: "ok" when its effect has taken place,
// or "error: " and a reason.
func serveCommands(cluster *pyxistest.Cluster, in io.Reader, out io.Writer) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if len(words) == 1 && words[0] == "help" {
			help(out)
		} else if err := execute(cluster, words); err != nil {
			fmt.Fprintf(out, "error: %v\n", err)
			continue
		}
		fmt.Fprintln(out, "ok")
	}
}

// help lists the commands.
func help(out io.Writer) {
	for _, cmd := range commands {
		fmt.Fprintf(out, "%-8s %s\n", cmd.name+" N", cmd.help)
	}
	fmt.Fprintf(out, "%-8s %s\n", "help", "list the commands")
}

// execute carries out the command in words.
func execute(cluster *pyxistest.Cluster, words []string) error {
	for _, cmd := range commands {
		if words[0] != cmd.name {
			continue
		}
		if len(words) != 2 {
			return fmt.Errorf("%s needs the number of a node: write %s 0", cmd.name, cmd.name)
		}
		i, err := strconv.Atoi(words[1])
		if nodes := len(cluster.Nodes()); err != nil || i < 0 || i >= nodes {
			return fmt.Errorf("there is no node %q: use 0 to %d", words[1], nodes-1)
		}
		return cmd.do(cluster, cluster.Node(i))
	}
	return errCommand
}
