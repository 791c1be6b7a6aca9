//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/config"
)

// harm is a way to take a peer out of service.
type harm string

// The harms.
const (
	kill  harm = "kill"  // the process dies at once (SIGKILL), and is started again
	stop  harm = "stop"  // the process ends in an orderly way (SIGTERM), and is started again
	pause harm = "pause" // the process does nothing for a while (SIGSTOP, SIGCONT)
)

// cluster is the cluster under test. Peers are counted from 0.
type cluster interface {
	// configs returns the configuration of each peer.
	configs() []*config.Config
	// harms returns the harms that the cluster supports, in a fixed order.
	harms() []harm
	// inflict takes a peer out of service, and repair puts it back.
	inflict(ctx context.Context, h harm, peer int) error
	repair(ctx context.Context, h harm, peer int) error
	// close ends what was started.
	close() error
}

// commands is an existing cluster, which the user's commands control.
type commands struct{ settings *settings }

// commandTime is how long a command may take.
const commandTime = time.Minute

func (c *commands) configs() []*config.Config { return c.settings.peers }

func (c *commands) harms() []harm {
	var all []harm
	for _, h := range []harm{kill, stop, pause} {
		if c.settings.commands[string(h)] != "" {
			all = append(all, h)
		}
	}
	return all
}

func (c *commands) inflict(ctx context.Context, h harm, peer int) error {
	return c.run(ctx, string(h), peer)
}

func (c *commands) repair(ctx context.Context, h harm, peer int) error {
	if h == pause {
		return c.run(ctx, "resume", peer)
	}
	return c.run(ctx, "start", peer)
}

func (c *commands) close() error { return nil }

// run runs the command of a flag for a peer. The error has the end of its output.
func (c *commands) run(ctx context.Context, name string, peer int) error {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	text := strings.ReplaceAll(c.settings.commands[name], "{i}", strconv.Itoa(peer))
	cmd := exec.CommandContext(ctx, "sh", "-c", text)
	// A background process of the command may keep the output open.
	cmd.WaitDelay = time.Second
	output, err := cmd.CombinedOutput()
	if err != nil {
		const most = 500
		output = bytes.TrimSpace(output)
		return fmt.Errorf("-%s for peer %d: %w: %s", name, peer, err, output[max(0, len(output)-most):])
	}
	return nil
}
