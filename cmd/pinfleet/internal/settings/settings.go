// Package settings finds out which cluster the command talks to, and how. A setting
// comes from a flag, from the environment, or from a context in the configuration
// file, in this order of precedence.
package settings

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// Values are settings by key. A key is the name of a variable of config.FromEnv
// without PINFLEET_ and in lower case, such as "api" or "ca_file", or "strategy" or
// "retries".
type Values map[string]string

// Keys returns the keys of all settings, sorted.
func Keys() []string { return slices.Clone(keys) }

var keys = []string{
	"allow_cleartext_auth", "api", "base_path", "basic_auth", "buffered_adds", "ca_file", "cert_file", "dial_timeout",
	"header_timeout", "idle_timeout", "insecure", "key_file", "max_conn_age", "max_header_bytes", "protector_key", "proxy",
	"proxy_addr", "retries", "server_name", "skip_verify", "ssl", "strategy", "tcp_user_timeout", "timeout", "token",
	"user_agent",
}

// DefaultRetries is the number of attempts after the first.
const DefaultRetries = 3

// Settings say where the cluster is and how to call it.
type Settings struct {
	Configs  []*config.Config
	Strategy strategy.LBStrategy
	Retries  int
	// Origin says where the addresses come from, in the words of an error.
	Origin string
}

// Input is what Resolve reads.
type Input struct {
	// Flags has the settings that flags have set.
	Flags Values
	// Context is the name of the context that a flag asks for, or empty.
	Context string
	// Lookup reads an environment variable.
	Lookup func(name string) (string, bool)
	// File is the configuration file.
	File *File
}

// Resolve returns the settings. A context is used if the input names it, or else if
// neither a flag nor the environment has addresses: its credentials belong to its own
// addresses. The error names every mistake.
func Resolve(in Input) (*Settings, error) {
	layers, origin, err := in.layers()
	if err != nil {
		return nil, err
	}
	s := &Settings{Retries: DefaultRetries, Origin: origin}
	s.Configs, err = config.FromEnv(func(name string) (string, bool) {
		value, from := layers.get(strings.ToLower(strings.TrimPrefix(name, prefix)))
		return value, from != nil
	})
	errs := []error{layers.rename(err)}
	for _, c := range s.Configs {
		if err := c.Validate(); err != nil {
			errs = append(errs, err)
			break // the others have the same mistakes, except for their addresses
		}
	}
	name, _ := layers.get("strategy")
	if s.Strategy, err = newStrategy(name); err != nil {
		errs = append(errs, layers.named("strategy", err))
	}
	if text, from := layers.get("retries"); from != nil {
		if s.Retries, err = strconv.Atoi(text); err != nil || s.Retries < 0 {
			errs = append(errs, layers.named("retries", fmt.Errorf("%q is not a number of at least 0", text)))
		}
	}
	return s, errors.Join(errs...)
}

// prefix begins the names of the environment variables.
const prefix = "PINFLEET_"

// layer is one place that settings come from.
type layer struct {
	values Values
	// name returns the name that the user knows a key by.
	name func(key string) string
}

// layers are the places that settings come from, in order of precedence.
type layers []layer

func (in Input) layers() (ls layers, origin string, err error) {
	flags := layer{in.Flags, FlagName}
	env := layer{make(Values), func(key string) string { return prefix + strings.ToUpper(key) }}
	for _, key := range keys {
		if value, ok := in.Lookup(env.name(key)); ok && value != "" {
			env.values[key] = value
		}
	}
	name := in.Context
	switch {
	case in.Context != "" && in.Flags["api"] != "":
		return nil, "", errors.New("--cluster and --context both say where the cluster is: drop one of them")
	case in.Flags["api"] != "":
		return layers{flags, env}, FlagName("api"), nil
	case in.Context == "" && env.values["api"] != "":
		return layers{flags, env}, env.name("api"), nil
	case in.Context == "":
		name = in.File.Current
	}
	if name == "" {
		return layers{flags, env}, "the default address", nil
	}
	values, err := in.File.Context(name)
	if err != nil {
		return nil, "", err
	}
	origin = fmt.Sprintf("context %s", name)
	file := layer{values, func(key string) string { return key + " of " + origin }}
	if in.Context != "" {
		delete(env.values, "api") // a flag has precedence over the environment
	}
	return layers{flags, env, file}, origin, nil
}

// get returns the value of a key and the layer that has it. An empty value counts as
// missing. The first layer with a password or a token hides both in the others.
func (ls layers) get(key string) (string, *layer) {
	for i, l := range ls {
		if value := l.values[key]; value != "" {
			return value, &ls[i]
		}
		if isCredential(key) && (l.values["basic_auth"] != "" || l.values["token"] != "") {
			break
		}
	}
	return "", nil
}

func isCredential(key string) bool { return key == "basic_auth" || key == "token" }

// named adds the name of the setting to an error about it.
func (ls layers) named(key string, err error) error {
	if _, from := ls.get(key); from != nil {
		return fmt.Errorf("%s: %w", from.name(key), err)
	}
	return err
}

// rename replaces the names of environment variables in the text of an error by the
// names that the settings have where they come from.
func (ls layers) rename(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, key := range slices.Backward(slices.Sorted(slices.Values(keys))) { // "proxy_addr" before "proxy"
		if _, from := ls.get(key); from != nil {
			text = strings.ReplaceAll(text, "config: "+prefix+strings.ToUpper(key)+":", from.name(key)+":")
		}
	}
	return errors.New(text)
}

// strategies are the built-in strategies by name.
var strategies = map[string]func() strategy.LBStrategy{
	"failover":    func() strategy.LBStrategy { return &strategy.Failover{} },
	"leastloaded": func() strategy.LBStrategy { return &strategy.LeastLoaded{} },
	"roundrobin":  func() strategy.LBStrategy { return &strategy.RoundRobin{} },
	"sticky":      func() strategy.LBStrategy { return &strategy.Sticky{} },
	"weighted":    func() strategy.LBStrategy { return &strategy.Weighted{} },
}

// DefaultStrategy is the name of the strategy that is used if none is set.
const DefaultStrategy = "failover"

// StrategyNames returns the names of the strategies, sorted.
func StrategyNames() []string { return slices.Sorted(maps.Keys(strategies)) }

func newStrategy(name string) (strategy.LBStrategy, error) {
	if name == "" {
		name = DefaultStrategy
	}
	create, ok := strategies[name]
	if !ok {
		return nil, fmt.Errorf("unknown strategy %q: use one of %s", name, strings.Join(StrategyNames(), ", "))
	}
	return create(), nil
}
