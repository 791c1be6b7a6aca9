package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// command returns the path of the command pinfleet, which the first call builds.
var command = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "pinfleet")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/pinfleet").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// finding is what the command prints about one problem.
type finding struct{ ID, Endpoint, What string }

// doctor runs pinfleet doctor for the endpoints, and returns what it finds.
func doctor(t *testing.T, cfgs []*config.Config) []finding {
	t.Helper()
	path, err := command()
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for _, cfg := range cfgs {
		addresses = append(addresses, cfg.URL)
	}
	cmd := exec.CommandContext(within(t), path, "doctor", "--json", "--cluster", strings.Join(addresses, ","))
	if cfgs[0].Username != "" {
		cmd.Env = append(cmd.Environ(), "PINFLEET_BASIC_AUTH="+cfgs[0].Username+":"+cfgs[0].Password)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("pinfleet doctor: %v: %s", err, &stderr)
	}
	var found []finding
	for line := range bytes.Lines(out) {
		var f finding
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		found = append(found, f)
	}
	return found
}

// of returns the sorted kinds of the findings about an endpoint.
func of(endpoint string, found []finding) []string {
	var ids []string
	for _, f := range found {
		if f.Endpoint == endpoint {
			ids = append(ids, f.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// traits are what pinfleet doctor finds of a proxy in front of a healthy peer. Of the
// others it finds nothing. A plain Go proxy damages the uploads of programs that do not
// say that their connection ends with the upload, so that "damages" in proxies, which is
// about this client, says less.
var traits = map[string][]string{
	"nginx":            {"trailers-dropped"},
	"nginx-unbuffered": {"trailers-dropped"},
	"nginx-base-auth":  {"trailers-dropped"},
	"caddy":            {"proxy-not-full-duplex"},
	"go":               {"proxy-not-full-duplex"},
	"go-flushing":      {"proxy-not-full-duplex"},
	"go-behind-go":     {"proxy-not-full-duplex"},
}

// clockIsMoved reports whether the clock of this program was moved (.ci/later). The
// file system and the proxies, which are other programs, have the right time.
func clockIsMoved(t *testing.T) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "now")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(info.ModTime()).Abs() > time.Hour
}

// TestDoctor checks that pinfleet doctor finds what is known of each proxy, and a peer
// behind it that is down.
func TestDoctor(t *testing.T) {
	skipIfShort(t)
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel() // the command mostly waits
			cluster := clustertest.New(t, clustertest.Options{Peers: 2})
			cfgs := p.configs(t, cluster)
			found := doctor(t, cfgs)
			for _, cfg := range cfgs {
				if got := of(cfg.URL, found); !slices.Equal(got, traits[p.name]) {
					t.Errorf("%s: found %q, want %q: %+v", cfg.URL, got, traits[p.name], found)
				}
			}
			got := of("", found)
			if clockIsMoved(t) { // some proxies put their own, right time into answers, others pass on the peer's
				got = slices.DeleteFunc(got, func(id string) bool { return id == "clock-here" })
			}
			if len(got) > 0 {
				t.Errorf("the cluster: found %q: %+v", got, found)
			}
			cluster.Peer(0).Stop()
			found = doctor(t, cfgs)
			if got := of(cfgs[0].URL, found); !slices.Equal(got, []string{"peer-behind-proxy"}) {
				t.Errorf("peer is down: found %q: %+v", got, found)
			}
			if got := of("", found); !slices.Equal(got, []string{"member-unreachable"}) {
				t.Errorf("the cluster with a peer down: found %q: %+v", got, found)
			}
		})
	}
}
