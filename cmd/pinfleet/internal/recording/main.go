// Recording runs the command in a terminal and writes what is on its screen to
// docs/img/session.svg:
//
//	go run ./cmd/pinfleet/internal/recording
//
// The cluster is in this process. It is slowed down and loses a peer, so that there is
// something to see.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/screen"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The size of the terminal. On a screen of 390 pixels, a character of 60 is about 6 wide.
const columns, rows = 60, 15

// patience limits the wait for each screen.
const patience = 2 * time.Minute

func main() {
	log.SetFlags(0)
	to := flag.String("o", filepath.Join("docs", "img", "session.svg"), "`file` to write")
	flag.Parse()
	if err := record(context.Background(), *to); err != nil {
		log.Fatal(err)
	}
}

func record(ctx context.Context, to string) (err error) {
	dir, err := os.MkdirTemp("", "recording")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "pinfleet")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/pinfleet") //nolint:gosec // the variable is a path of this program
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w: %s", err, out)
	}
	cluster, err := clustertest.Start(clustertest.Options{DiscardBlocks: true, PinDelay: time.Minute})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	s := &session{program: program, dir: dir, cluster: cluster}
	if err := s.play(ctx); err != nil {
		return err
	}
	return os.WriteFile(to, draw(s.lines, "A session with the command pinfleet: add, doctor and top"), 0o666) //nolint:gosec // part of the documentation
}

// session is what is recorded.
type session struct {
	program, dir string
	cluster      *clustertest.Cluster
	lines        [][]screen.Span
}

func (s *session) play(ctx context.Context) error {
	// A file of zeros, which needs no space, and peers that take two seconds for it.
	const size = 48 << 20
	if err := os.WriteFile(filepath.Join(s.dir, "big.iso"), nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(filepath.Join(s.dir, "big.iso"), size); err != nil {
		return err
	}
	s.cluster.Seed(1204)
	s.cluster.InjectAll(clustertest.Fault{Route: "POST /add", Times: 1, Effect: clustertest.SlowReader(size/100, 20*time.Millisecond)})
	return errors.Join(
		s.run(ctx, "pinfleet add big.iso", regexp.MustCompile(`4\d %.* left`).MatchString, nil),
		s.run(ctx, "pinfleet doctor", nil, nil),
		s.run(ctx, "pinfleet top --strategy leastloaded --interval 300ms", func(text string) bool {
			return strings.Count(text, "ms  ") == 2 && strings.Contains(text, "×××") && strings.Contains(text, "partly")
		}, func() {
			for i, p := range s.cluster.Peers() {
				p.Slow(time.Duration(1+3*i) * time.Millisecond)
			}
			time.AfterFunc(3*time.Second, s.cluster.Peer(2).Stop)
		}))
}

// run runs a command. It keeps the first screen that shows what is wanted, and the last
// screen of a command that ends by itself. during is called when the command has begun.
func (s *session) run(ctx context.Context, line string, wanted func(string) bool, during func()) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, strings.Fields(line)[1:]...) //nolint:gosec // the lines of play
	var addresses []string
	for _, p := range s.cluster.Peers() {
		addresses = append(addresses, p.Addr().String())
	}
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TERM=xterm-256color", "TZ=UTC", "PINFLEET_API=" + strings.Join(addresses, ",")}
	term, err := screen.Start(cmd, columns, rows)
	if err != nil {
		return err
	}
	defer term.Close() // the program has ended, or an error is returned
	s.lines = append(s.lines, []screen.Span{{Text: "$", Width: 1, Colour: 2}, {Column: 2, Text: line, Width: len(line), Colour: -1, Bold: true}})
	if during != nil {
		during()
	}
	if wanted != nil {
		if _, err := term.Await(ctx, wanted); err != nil {
			return err
		}
		s.lines = append(s.lines, term.Spans()...)
	}
	if strings.Contains(line, " top") {
		if err := term.Type("q"); err != nil {
			return err
		}
	}
	status, err := term.Wait(ctx)
	if err != nil || status != 0 {
		return fmt.Errorf("%s: status %d, %w: %s", line, status, err, term.Screen())
	}
	s.lines = append(append(s.lines, term.Spans()...), nil)
	return nil
}
