package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// weight measures a program that speaks only HTTP, and two programs for
// comparison: tenlines and floor do no more than any such program must.
func weight(ctx context.Context, r *report) error {
	for name, program := range map[string]string{"mb": "httponly", "ten_lines_mb": "tenlines", "floor_mb": "floor"} {
		p, err := link(ctx, program)
		if err != nil {
			return err
		}
		r.values[name] = p.mb
		if program == "httponly" {
			r.values["modules"] = float64(p.modules)
		}
	}
	stripped, err := link(ctx, "httponly", "-ldflags=-s -w")
	if err != nil {
		return err
	}
	r.values["stripped_mb"] = stripped.mb
	r.note("%.2f MB with the types of the interface and net/http alone, %.2f MB with all that is needed of the standard library", r.values["ten_lines_mb"], r.values["floor_mb"])
	r.note("%.2f MB without symbols and debugging information", stripped.mb)
	return nil
}

func weightLibp2p(ctx context.Context, r *report) error {
	p, err := link(ctx, "libp2p")
	r.values["modules"], r.values["mb"] = float64(p.modules), p.mb
	return err
}

// linked describes a program built as a user would build it.
type linked struct {
	modules int // number of modules that are linked, without the program's own
	mb      float64
}

// link builds a program of testdata.
func link(ctx context.Context, program string, flags ...string) (linked, error) {
	dir, err := os.MkdirTemp("", "pinfleet-bench-")
	if err != nil {
		return linked{}, err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir, "./test/bench/testdata/"+program, flags...)
	if err != nil {
		return linked{}, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return linked{}, err
	}
	stat, err := os.Stat(binary)
	if err != nil {
		return linked{}, err
	}
	return linked{modules: len(info.Deps), mb: float64(stat.Size()) / 1e6}, nil
}

// build builds a package of this module with the versions that its users get, and
// returns the path of the binary in dir. go.work would add the versions that
// the modules below contrib require.
func build(ctx context.Context, dir, pkg string, flags ...string) (string, error) {
	gomod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	binary := filepath.Join(dir, path.Base(pkg))
	args := append([]string{"build", "-o", binary}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(gomod)))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build of %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}
