package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// File is the configuration file. It holds the settings of several clusters, each
// under the name of its context.
type File struct {
	// Current is the name of the context in use, or empty.
	Current  string            `json:"current,omitempty"`
	Contexts map[string]Values `json:"contexts,omitempty"`

	path string
}

// Path returns the path of the configuration file, or an empty string if the
// environment has no home directory.
func Path(lookup func(string) (string, bool)) string {
	dir, _ := lookup("XDG_CONFIG_HOME")
	if dir == "" {
		home, _ := lookup("HOME")
		if home == "" {
			home, _ = lookup("USERPROFILE") // Windows
		}
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "pinfleet", "config.json")
}

// ReadFile reads the configuration file at path. A file that does not exist is empty.
// A file with secrets that other users of this machine can read is an error.
func ReadFile(path string) (*File, error) {
	f := &File{path: path}
	if path == "" {
		return f, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name, values := range f.Contexts {
		for key := range values {
			if err := checkKey(key); err != nil {
				return nil, fmt.Errorf("%s: context %s: %w", path, name, err)
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if f.hasSecrets() && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s holds secrets and others may read it: run chmod 600 %s", path, path)
	}
	return f, nil
}

func checkKey(key string) error {
	if !slices.Contains(keys, key) {
		return fmt.Errorf("unknown setting %q: use one of %s", key, strings.Join(keys, ", "))
	}
	return nil
}

// Write writes the file in place of the one that was read. Only its owner may read it.
func (f *File) Write() error {
	if f.path == "" {
		return errors.New("there is no place for the configuration file: set HOME or XDG_CONFIG_HOME")
	}
	content, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".config-*.json") // with mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(append(content, '\n'))
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// Context returns the settings of the named context.
func (f *File) Context(name string) (Values, error) {
	values, ok := f.Contexts[name]
	switch {
	case ok:
		return values, nil
	case len(f.Contexts) == 0:
		return nil, fmt.Errorf("there is no context %q, nor any other: create it with pinfleet context set %s --cluster ADDRESS", name, name)
	}
	return nil, fmt.Errorf("there is no context %q: use one of %s", name, strings.Join(f.Names(), ", "))
}

// Names returns the names of the contexts, sorted.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.Contexts)) }

// Set changes the given settings of a context, and creates it if it does not exist.
// An empty value removes a setting. The first context becomes the current one.
func (f *File) Set(name string, values Values) {
	if f.Contexts == nil {
		f.Contexts = make(map[string]Values)
	}
	if f.Contexts[name] == nil {
		f.Contexts[name] = make(Values)
	}
	for key, value := range values {
		if value == "" {
			delete(f.Contexts[name], key)
			continue
		}
		f.Contexts[name][key] = value
	}
	if len(f.Contexts) == 1 {
		f.Current = name
	}
}

// Remove removes the named context.
func (f *File) Remove(name string) {
	delete(f.Contexts, name)
	if f.Current == name {
		f.Current = ""
	}
}

func (f *File) hasSecrets() bool {
	for _, values := range f.Contexts {
		for key, value := range values {
			if value != "" && value != maskValue(key, value) {
				return true
			}
		}
	}
	return false
}

// mask replaces a secret.
const mask = "***"

// Masked returns a copy of v without its secrets.
func (v Values) Masked() Values {
	masked := make(Values, len(v))
	for key, value := range v {
		masked[key] = maskValue(key, value)
	}
	return masked
}

func maskValue(key, value string) string {
	switch key {
	case "token", "protector_key":
		return mask
	case "basic_auth":
		user, _, _ := strings.Cut(value, ":")
		return user + ":" + mask
	case "api", "proxy":
		addresses := strings.Split(value, ",")
		for i, address := range addresses {
			addresses[i] = maskUserinfo(address)
		}
		return strings.Join(addresses, ",")
	}
	return value
}

// maskUserinfo replaces the password in a URL. A multiaddress has none.
func maskUserinfo(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	switch {
	case err != nil && strings.Contains(address, "@"):
		return mask
	case err != nil || u.User == nil:
		return address
	}
	u.User = url.User(u.User.Username())
	text := u.String()
	return strings.Replace(text, "@", ":"+mask+"@", 1)
}
