package kubedns

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const root = "../.."

// compose has the parts of compose.yaml that refer to something.
type compose struct {
	Services map[string]struct {
		Image     string   `json:"image"`
		Build     string   `json:"build"`
		Ports     []string `json:"ports"`
		Volumes   []string `json:"volumes"`
		DependsOn []string `json:"depends_on"`
	} `json:"services"`
	Volumes map[string]any `json:"volumes"`
}

// Everything that compose.yaml refers to exists, images have a version, and ports are
// those of 127.0.0.1 only.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "compose.yaml"))
	must(t, err)
	var c compose
	must(t, yaml.Unmarshal(text, &c))
	mounted := 0
	for name, service := range c.Services {
		if (service.Image == "") == (service.Build == "") {
			t.Errorf("%s needs an image, or a folder to build", name)
		}
		if service.Image != "" && !regexp.MustCompile(`:v?\d+\.\d+\.\d+$`).MatchString(service.Image) {
			t.Errorf("%s has the image %s without a version", name, service.Image)
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s opens the port %s to other machines", name, port)
			}
		}
		for _, other := range service.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s depends on %s, which does not exist", name, other)
			}
		}
		for _, volume := range service.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, ".") {
				if _, ok := c.Volumes[source]; !ok {
					t.Errorf("%s mounts the volume %s, which is not declared", name, source)
				}
				continue
			}
			mounted++
			info, err := os.Stat(filepath.Join(root, source))
			if err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s mounts %s: %v", name, source, err)
			} else if strings.HasSuffix(source, ".yaml") || strings.HasSuffix(source, ".yml") || strings.HasSuffix(source, ".json") {
				checkYAML(t, source)
			}
		}
	}
	if mounted < 5 {
		t.Errorf("only %d files are mounted", mounted)
	}
}

// checkYAML checks that a file is a document of YAML, of which JSON is a part.
func checkYAML(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	must(t, err)
	var document map[string]any
	if err := yaml.UnmarshalStrict(text, &document); err != nil || len(document) == 0 {
		t.Errorf("%s: %d keys, %v", name, len(document), err)
	}
}

var (
	copied  = regexp.MustCompile(`(?m)^COPY (?:--from=(\S+) )?(.+) (\S+)$`)
	stage   = regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)(?: AS (\S+))?$`)
	goBuild = regexp.MustCompile(`go build .* (\./\S+)`)
)

// The sources of COPY exist and are not ignored, and the image is built by a pinned
// version of Go and runs as another user than root.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	must(t, err)
	file := string(text)
	stages := stage.FindAllStringSubmatch(file, -1)
	if len(stages) != 2 || stages[1][1] != "scratch" {
		t.Fatalf("the stages are %q", stages)
	}
	if !regexp.MustCompile(`^golang:1\.26\.\d+$`).MatchString(stages[0][1]) {
		t.Errorf("%s is no pinned Go 1.26", stages[0][1])
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(file)
	if user == nil || user[1] == "0" || strings.Index(file, "USER") < strings.Index(file, "FROM scratch") {
		t.Errorf("the last stage runs as %q", user)
	}
	for _, line := range copied.FindAllStringSubmatch(file, -1) {
		if line[1] != "" {
			if line[1] != stages[0][2] {
				t.Errorf("%s: there is no such stage", line[0])
			}
			continue
		}
		for _, name := range strings.Fields(line[2]) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Error(err)
			}
		}
	}
}

// What .dockerignore leaves is enough to build the command.
func TestDockerBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("copies the sources and builds the command")
	}
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	must(t, err)
	target := goBuild.FindStringSubmatch(string(text))
	if target == nil {
		t.Fatal("the Dockerfile builds nothing")
	}
	into := t.TempDir()
	for _, name := range keptByDockerignore(t) {
		copyTree(t, filepath.Join(root, name), filepath.Join(into, name))
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(t.TempDir(), "pinfleet"), target[1])
	cmd.Dir = into
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// keptByDockerignore returns the files and folders that .dockerignore keeps. It must
// ignore everything first.
func keptByDockerignore(t *testing.T) (kept []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept = append(kept, name)
		}
	}
	if !slices.Contains(strings.Fields(string(text)), "*") || len(kept) == 0 {
		t.Fatal(".dockerignore must ignore everything but what it names")
	}
	return kept
}

// copyTree copies a file or a folder, without tests and their data.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "testdata" {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(from, path)
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	}))
}
