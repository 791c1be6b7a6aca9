package kubedns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/config"
)

// lookupEnv is the variable that makes the test program look a name up instead of
// running tests. Its value is the directory with the resolv.conf to use.
const lookupEnv = "KUBEDNS_LOOKUP"

// lookupWith replaces /etc/resolv.conf, which Go's resolver always reads, by that in
// dir, and prints the endpoints of the address in the second argument. It runs in a
// mount namespace of its own.
func lookupWith(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("no private mounts: %w", err)
	}
	if err := syscall.Mount(filepath.Join(dir, "resolv.conf"), "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("no bind mount: %w", err)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, os.Args[1])
	}}
	template := &config.Config{Resolver: resolver}
	cfgs, err := template.AsTemplateForResolvedAddress(context.Background(), multiaddrWithPort(os.Args[2], 9094))
	if err != nil {
		return err
	}
	for _, cfg := range cfgs {
		fmt.Println(cfg.APIAddr)
	}
	return nil
}

// lookupInPod looks a name up in a process that has the resolv.conf of a pod of
// namespace ns.
func lookupInPod(t *testing.T, s *nameServer, name string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	const conf = "nameserver 127.0.0.1\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
	must(t, os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte(conf), 0o600))
	cmd := exec.CommandContext(t.Context(), os.Args[0], s.addr, name)
	cmd.Env = append(os.Environ(), lookupEnv+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil && (text == "" || strings.Contains(text, "mount")) {
		t.Skipf("this system permits no mount namespace, so /etc/resolv.conf cannot be replaced: %v %s", err, text)
	}
	return text, err
}

// With the resolv.conf of a pod, a short name and a full one are found through the
// search domains. A full name has fewer than five dots, so each search domain is asked
// first, which costs three failed lookups; a dot at its end saves them.
func TestSearchDomains(t *testing.T) {
	for _, test := range []struct {
		name  string
		asked []string
	}{
		{"peers", []string{"peers.ns.svc.cluster.local."}},
		{"peers.ns", []string{"peers.ns.ns.svc.cluster.local.", "peers.ns.svc.cluster.local."}},
		{"peers.ns.svc.cluster.local", []string{
			"peers.ns.svc.cluster.local.ns.svc.cluster.local.", "peers.ns.svc.cluster.local.svc.cluster.local.",
			"peers.ns.svc.cluster.local.cluster.local.", "peers.ns.svc.cluster.local.",
		}},
		{"peers.ns.svc.cluster.local.", []string{"peers.ns.svc.cluster.local."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newNameServer(t)
			s.set(service, addresses(service, "10.0.0.1", "10.0.0.2")...)
			out, err := lookupInPod(t, s, test.name)
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			lines := strings.Fields(out)
			slices.Sort(lines)
			if want := []string{"/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094"}; !slices.Equal(lines, want) {
				t.Errorf("found %q, want %q", lines, want)
			}
			s.change(func(s *nameServer) {
				// A and AAAA records are asked for at once.
				if got := slices.Compact(s.asked); !slices.Equal(got, test.asked) {
					t.Errorf("asked for %q, want %q", got, test.asked)
				}
			})
		})
	}
}
