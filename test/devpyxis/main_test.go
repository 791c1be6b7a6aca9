package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/internal/testenv"
)

// asCommand is set in the environment of a process that is the command itself.
const asCommand = "DEVPYXIS_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestServesUntilInterrupted(t *testing.T) {
	first := testenv.FreePorts(t, 3)
	ctx, interrupt := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-nodes", "3", "-port", strconv.Itoa(first)}, strings.NewReader(""), stdout, io.Discard)
		_ = stdout.Close()
		ended <- err
	}()
	var lines []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if scanner.Text() == "ready" {
			break
		}
	}
	if len(lines) != 4 {
		t.Fatalf("printed %q, %v", lines, <-ended)
	}
	for i, addr := range lines[:3] {
		if want := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+i)); addr != want {
			t.Errorf("node %d is at %s, want %s", i, addr, want)
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

func TestBadFlagsAreOneSentence(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, test := range []struct{ args, want string }{
		{"-nodes 0", "-nodes 0: use 1 to 64"},
		{"-nodes 65", "number of nodes 65"},
		{"-nodes x", "-help lists the flags"},
		{"-unknown", "-help lists the flags"},
		{"surplus", `unexpected argument "surplus"`},
		{"-port 0", "-port 0: use 1 to 65535"},
		{"-port 65535 -nodes 2", "base port 65535"},
		{"-min-timeout 1s", "shortest timeout 1s"},
		{"-port " + strconv.Itoa(busy.Addr().(*net.TCPAddr).Port), "address already in use"},
	} {
		var stderr strings.Builder
		err := run(t.Context(), strings.Fields(test.args), strings.NewReader(""), io.Discard, &stderr)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", test.args, err, test.want)
		}
		if stderr.Len() > 0 {
			t.Errorf("%s: printed %q besides", test.args, &stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	var stderr strings.Builder
	if err := run(t.Context(), []string{"-help"}, strings.NewReader(""), io.Discard, &stderr); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(stderr.String(), "-nodes") {
		t.Errorf("help is %q", &stderr)
	}
}
