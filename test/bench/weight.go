package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The programs that are weighed, below the root of the module.
const (
	httpProgram = "./test/bench/testdata/httponly"
	p2pProgram  = "./test/bench/testdata/libp2p"
)

func weight(ctx context.Context, r *report) error {
	modules, size, err := link(ctx, httpProgram)
	r.values["modules"], r.values["mb"] = modules, size
	return err
}

func weightLibp2p(ctx context.Context, r *report) error {
	modules, size, err := link(ctx, p2pProgram)
	r.values["modules"], r.values["mb"] = modules, size
	return err
}

// link builds a program as a user would, and returns how many modules besides
// its own it has, and its size in MB.
func link(ctx context.Context, program string) (modules, size float64, err error) {
	dir, err := os.MkdirTemp("", "pinfleet-bench-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	gomod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return 0, 0, fmt.Errorf("go env GOMOD: %w", err)
	}
	binary := filepath.Join(dir, "program")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, program)
	build.Dir = filepath.Dir(strings.TrimSpace(string(gomod)))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("go build %s: %w\n%s", program, err, out)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return 0, 0, err
	}
	stat, err := os.Stat(binary)
	if err != nil {
		return 0, 0, err
	}
	return float64(len(info.Deps)), float64(stat.Size()) / 1e6, nil
}
