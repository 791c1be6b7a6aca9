package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

var update = flag.Bool("update", false, "write what the commands print to the golden files and to docs")

// wantedInvocations is the smallest number of invocations in the golden files.
const wantedInvocations = 100

// TestGolden compares what the command prints with the files in testdata/golden.
// Each file is a session against a cluster of its own. Lines that begin with "$ " are
// invocations; "| sort" behind one sorts its output. Lines with "@" are done by the test,
// see script.directive. Below an invocation stand its output, its standard error with "! "
// in front, and its exit status if that is not 0. Addresses, times and tokens are replaced
// by fixed texts.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	invocations := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := newScript(t)
			got := s.play(string(want))
			invocations += s.invocations
			switch {
			case *update:
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Error(err)
				}
			case got != string(want):
				t.Errorf("the output has changed; see what is new with: go test ./cmd/pinfleet/... -run TestGolden -update && git diff\n%s", firstDifference(string(want), got))
			}
		})
	}
	if invocations < wantedInvocations {
		t.Errorf("%d invocations, want at least %d", invocations, wantedInvocations)
	}
}

// firstDifference returns the first line that differs.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant: %s\n got: %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines instead of %d", len(g), len(w))
}

// script plays a session.
type script struct {
	t           *testing.T
	cluster     *clustertest.Cluster
	options     clustertest.Options
	env         environment
	stdin       string
	invocations int
	clock       time.Time // of the cluster and the command
}

func newScript(t *testing.T) *script {
	s := &script{t: t, clock: time.Date(2030, time.January, 31, 12, 0, 0, 0, time.UTC)}
	s.options = clustertest.Options{Now: func() time.Time { return s.clock }}
	return s
}

// play returns the session with the results of its invocations.
func (s *script) play(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "# "), strings.HasPrefix(line, "@"):
			out.WriteString(line)
			if directive, ok := strings.CutPrefix(line, "@"); ok {
				s.directive(strings.TrimSpace(directive))
			}
		case strings.HasPrefix(line, "$ pinfleet"):
			fmt.Fprintf(&out, "%s%s\n", line, s.invoke(strings.TrimSpace(line[len("$ pinfleet"):])))
		}
	}
	return out.String()
}

// start starts the cluster when it is first needed.
func (s *script) start() {
	if s.cluster == nil {
		s.cluster = clustertest.New(s.t, s.options)
		env := of(s.cluster)
		env["HOME"] = s.t.TempDir()
		for name, value := range s.env {
			env[name] = value
		}
		s.env = env
	}
}

// invoke runs the command and returns what it has printed.
func (s *script) invoke(line string) string {
	s.start()
	s.invocations++
	line, sorted := strings.CutSuffix(line, " | sort")
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(s.stdin), stdout: &stdout, stderr: &stderr, lookup: s.env.lookup, now: func() time.Time { return s.clock }}
	code := a.run(s.t.Context(), s.split(line))
	s.stdin = ""
	result := stdout.String()
	if sorted {
		lines := strings.SplitAfter(result, "\n")
		slices.Sort(lines)
		result = strings.Join(lines, "")
	}
	for text := range strings.Lines(stderr.String()) {
		result += "! " + text
	}
	if code != 0 {
		result += fmt.Sprintf("exit status %d\n", code)
	}
	return s.normalise(result)
}

// split splits a line into arguments. Quotes keep spaces. Names of items and peers
// are replaced, see names.
func (s *script) split(line string) []string {
	var args []string
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		args = append(args, s.names().Replace(m[1]+m[2]))
	}
	return args
}

// names replaces {A} to {C} by CIDs, {HOME} by the home directory, and {PEER0} and {ADDR0},
// {PEER1} and {ADDR1} and so on by the IDs and addresses of the peers.
func (s *script) names() *strings.Replacer {
	pairs := []string{
		"{A}", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
		"{B}", "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
		"{C}", "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4",
	}
	pairs = append(pairs, "{HOME}", s.env["HOME"])
	for i, p := range s.cluster.Peers() {
		pairs = append(pairs, fmt.Sprintf("{PEER%d}", i), p.ID().String(), fmt.Sprintf("{ADDR%d}", i), p.Addr().String())
	}
	return strings.NewReplacer(pairs...)
}

var (
	millis = regexp.MustCompile(`\b\d+ ms\b|"ms":\d+`)
	after  = regexp.MustCompile(`after [0-9.]+(µs|ms|s)`)
	local  = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d`)
	ages   = regexp.MustCompile(`(?m)^age +items +pinned\n(.+\n)+`)
	token  = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
)

// normalise replaces what differs from run to run.
func (s *script) normalise(text string) string {
	for i, p := range s.cluster.Peers() {
		address := p.Addr().String()
		for _, m := range regexp.MustCompile(`/tcp/(\d+)`).FindAllStringSubmatch(address, -1) {
			port, err := strconv.Atoi(m[1])
			if err != nil {
				s.t.Fatal(err)
			}
			// The port of libp2p is two above that of the API.
			for offset := range 3 {
				text = strings.ReplaceAll(text, strconv.Itoa(port+offset), strconv.Itoa(19094+100*i+offset))
			}
		}
	}
	text = strings.ReplaceAll(text, s.env["HOME"], "$HOME")
	text = millis.ReplaceAllStringFunc(text, func(m string) string {
		if strings.HasPrefix(m, `"`) {
			return `"ms":0`
		}
		return "0 ms"
	})
	// The in-process cluster reports some times in the zone of the machine.
	text = local.ReplaceAllStringFunc(text, func(m string) string {
		at, err := time.Parse(time.RFC3339, m)
		s.check(err)
		return at.UTC().Format(time.RFC3339)
	})
	text = after.ReplaceAllString(text, "after 0s")
	// The ages are those of the machine's clock, and the pins were made in 2030.
	text = ages.ReplaceAllString(text, "age  items  pinned\n…\n")
	return token.ReplaceAllString(text, "TOKEN")
}
