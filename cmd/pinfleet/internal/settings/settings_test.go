package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/config"
)

// TestKeysAreThoseOfTheEnvironment checks that every variable of config.FromEnv is a
// setting.
func TestKeysAreThoseOfTheEnvironment(t *testing.T) {
	var asked []string
	_, err := config.FromEnv(func(name string) (string, bool) {
		asked = append(asked, strings.ToLower(strings.TrimPrefix(name, prefix)))
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	want := append(asked, "retries", "strategy")
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(Keys(), want) {
		t.Errorf("keys %q, want %q", Keys(), want)
	}
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// TestPrecedence checks where the addresses and the credentials come from.
func TestPrecedence(t *testing.T) {
	file := &File{Current: "prod", Contexts: map[string]Values{
		"prod": {"api": "/dns4/prod/tcp/1/https", "token": "of-prod", "retries": "7"},
		"lab":  {"api": "/dns4/lab/tcp/2/https", "basic_auth": "u:of-lab"},
	}}
	const flag, env = "/dns4/flag/tcp/3/https", "/dns4/env/tcp/4/https"
	for name, test := range map[string]struct {
		in      Input
		address string
		secret  string
		retries int
	}{
		"current context": {Input{}, "/dns4/prod/tcp/1/https", "of-prod", 7},
		"flag":            {Input{Flags: Values{"api": flag}}, flag, "", 3},
		"environment":     {Input{Lookup: lookup(map[string]string{"PINFLEET_API": env})}, env, "", 3},
		"flag and environment": {
			Input{Flags: Values{"api": flag}, Lookup: lookup(map[string]string{"PINFLEET_API": env, "PINFLEET_TOKEN": "of-env"})}, flag, "of-env", 3},
		"named context": {Input{Context: "lab", Lookup: lookup(map[string]string{"PINFLEET_API": env})}, "/dns4/lab/tcp/2/https", "of-lab", 3},
		"password of the environment": {
			Input{Lookup: lookup(map[string]string{"PINFLEET_BASIC_AUTH": "u:of-env"})}, "/dns4/prod/tcp/1/https", "of-env", 7},
		"token of a flag": {
			Input{Context: "lab", Flags: Values{"token": "of-flag"}}, "/dns4/lab/tcp/2/https", "of-flag", 3},
		"retries of a flag": {Input{Flags: Values{"retries": "0"}}, "/dns4/prod/tcp/1/https", "of-prod", 0},
	} {
		test.in.File = file
		if test.in.Lookup == nil {
			test.in.Lookup = lookup(nil)
		}
		s, err := Resolve(test.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		c := s.Configs[0]
		if got := c.APIAddr.String(); got != test.address || c.Password+c.Token != test.secret || s.Retries != test.retries {
			t.Errorf("%s: %s with %q and %d retries (%s)", name, got, c.Password+c.Token, s.Retries, s.Origin)
		}
	}
}

// TestMistakesAreNamed checks that an error names each wrong setting as the user
// knows it, and no secret.
func TestMistakesAreNamed(t *testing.T) {
	file := &File{Contexts: map[string]Values{"lab": {"api": "/nonsense", "timeout": "soon", "strategy": "best"}}}
	_, err := Resolve(Input{Context: "lab", File: file, Flags: Values{"retries": "-1", "basic_auth": "hidden"},
		Lookup: lookup(map[string]string{"PINFLEET_SSL": "perhaps"})})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"api of context lab:", "timeout of context lab:", "strategy of context lab:", "--retries:", "--basic-auth:", "PINFLEET_SSL:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("a secret in: %v", err)
	}
}

// TestFile checks that a file can be written and read, that only its owner may read
// it, and that a file with secrets is refused if others may.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pinfleet", "config.json")
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Set("lab", Values{"api": "127.0.0.1"})
	f.Set("prod", Values{"api": "https://u:secret@prod.example", "ca_file": "x"})
	f.Set("prod", Values{"ca_file": ""})
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	if f, err = ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if f.Current != "lab" || len(f.Contexts["prod"]) != 1 || f.Contexts["prod"].Masked()["api"] != "https://u:***@prod.example" {
		t.Errorf("read %+v", f)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") || strings.Contains(err.Error(), "secret@") {
		t.Errorf("readable by others: %v", err)
	}
	if f.Set("prod", Values{"api": "https://prod.example"}); f.Write() != nil {
		t.Fatal("not written")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err != nil {
		t.Errorf("a file without secrets: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"contexts":{"lab":{"location":"x"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), `"location"`) {
		t.Errorf("an unknown setting: %v", err)
	}
}
