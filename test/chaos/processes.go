//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

const (
	devcluster = "github.com/pinfleet/pinfleet/test/devcluster"
	// readyTime is how long a process may take to serve.
	readyTime = 30 * time.Second
	// endTime is how long a process may take to end after SIGTERM.
	endTime = 10 * time.Second
	// portsPerPeer is the distance between the ports of two peers of a devcluster.
	portsPerPeer = 100
	// frontPort is the distance between the port of a peer and the port of the
	// process that is killed in its place.
	frontPort = 50
)

// processes is a cluster of test/devcluster processes. The core has the state, and
// serves each peer on a port of its own. For each peer there is a further process,
// the front, which forwards connections to that port. Faults hit the fronts.
type processes struct {
	program  string // path of the executable
	dir      string // temporary; removed by close
	basePort int
	count    int

	mu     sync.Mutex
	core   *process
	fronts []*process
}

// startProcesses builds devcluster and starts it with a number of peers.
func startProcesses(ctx context.Context, count int) (_ *processes, err error) {
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return nil, err
	}
	c := &processes{program: filepath.Join(dir, "devcluster"), dir: dir, count: count, fronts: make([]*process, count)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	build := exec.CommandContext(ctx, "go", "build", "-o", c.program, devcluster)
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s, which needs the go command and this module as the working directory: %w: %s", devcluster, err, output)
	}
	if c.basePort, err = freePorts(count); err != nil {
		return nil, err
	}
	c.core, err = start(ctx, c.program, "-peers", strconv.Itoa(count), "-port", strconv.Itoa(c.basePort), "-ipfs")
	if err != nil {
		return nil, err
	}
	for i := range count {
		if err := c.startFront(ctx, i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// freePorts returns a base port such that all ports of the cluster are free. It is
// below the range from which systems assign ports, so that the port of a process
// is still free when the process is started again.
func freePorts(count int) (int, error) {
	for range 100 {
		base := 12_000 + rand.N(8_000)
		free := true
		for i := range count {
			for _, port := range []int{base, base + 1, base + frontPort} {
				l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+portsPerPeer*i)))
				if err != nil {
					free = false
					continue
				}
				l.Close()
			}
		}
		if free {
			return base, nil
		}
	}
	return 0, errors.New("found no free ports for the cluster")
}

func (c *processes) corePort(peer int) int { return c.basePort + portsPerPeer*peer }

// startFront starts the front of a peer.
func (c *processes) startFront(ctx context.Context, peer int) error {
	p, err := start(ctx, c.program, "-port", strconv.Itoa(c.corePort(peer)+frontPort),
		"-forward-to", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.corePort(peer))))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fronts[peer] = p
	return nil
}

func (c *processes) configs() []*config.Config {
	at := func(port int) multiaddr.Multiaddr {
		// The text is valid, and so there is no error.
		m, _ := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
		return m
	}
	var all []*config.Config
	for i := range c.count {
		all = append(all, &config.Config{APIAddr: at(c.corePort(i) + frontPort), ProxyAddr: at(c.corePort(i) + 1)})
	}
	return all
}

func (c *processes) harms() []harm { return []harm{kill, stop, pause} }

func (c *processes) front(peer int) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fronts[peer]
}

func (c *processes) inflict(_ context.Context, h harm, peer int) error {
	p := c.front(peer)
	switch h {
	case kill:
		return p.end(syscall.SIGKILL)
	case stop:
		return p.end(syscall.SIGTERM)
	}
	return p.cmd.Process.Signal(syscall.SIGSTOP)
}

func (c *processes) repair(ctx context.Context, h harm, peer int) error {
	if h == pause {
		return c.front(peer).cmd.Process.Signal(syscall.SIGCONT)
	}
	return c.startFront(ctx, peer)
}

// close kills all processes, which also ends paused ones.
func (c *processes) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range append(c.fronts, c.core) {
		if p != nil {
			_ = p.end(syscall.SIGKILL) // an error means that it has ended already
		}
	}
	return os.RemoveAll(c.dir)
}

// process is a running process.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	stderr bytes.Buffer // complete when ended is closed
}

// start starts a devcluster process and returns when it serves.
func start(ctx context.Context, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	// An interrupt of the terminal must not reach it before we have checked.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = &p.stderr
	out, in := io.Pipe()
	p.cmd.Stdout = in
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended does not matter
		in.Close()
	}()
	ready := make(chan bool, 1)
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			if scan.Text() == "ready" {
				ready <- true
			}
		}
		close(ready)
	}()
	timer := time.NewTimer(readyTime)
	defer timer.Stop()
	select {
	case ok := <-ready:
		if ok {
			return p, nil
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = p.end(syscall.SIGKILL)
	return nil, fmt.Errorf("devcluster %s does not serve: %s", strings.Join(args, " "), bytes.TrimSpace(p.stderr.Bytes()))
}

// end sends a signal that ends the process, and waits until it has ended. A process
// that does not end in time is killed.
func (p *process) end(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return err
	}
	timer := time.AfterFunc(endTime, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	<-p.ended
	return nil
}
