package settings

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// flag describes the flag of a setting.
type flag struct {
	key   string
	usage string
	isSet bool // a flag without a value
}

// flags are the settings that have a flag. The others can only be set in the
// environment and in a context.
var flags = []flag{
	{key: "api", usage: "comma-separated `addresses` of the cluster's peers (default /ip4/127.0.0.1/tcp/9094)"},
	{key: "basic_auth", usage: "`user:password`; - reads it from standard input, which other users cannot see"},
	{key: "token", usage: "a bearer `token`; - reads it from standard input, which other users cannot see"},
	{key: "allow_cleartext_auth", usage: "send credentials without encryption", isSet: true},
	{key: "ssl", usage: "use HTTPS for addresses that do not specify it", isSet: true},
	{key: "ca_file", usage: "PEM `file` of the authorities that the peers' certificates come from"},
	{key: "cert_file", usage: "PEM `file` of this client's certificate"},
	{key: "key_file", usage: "PEM `file` of this client's private key"},
	{key: "server_name", usage: "the `name` in the peers' certificates"},
	{key: "insecure", usage: "accept any certificate", isSet: true},
	{key: "base_path", usage: "a `path` in front of every path of the API, behind a reverse proxy"},
	{key: "proxy", usage: "`URL` of an HTTP or SOCKS proxy that leads to the peers"},
	{key: "protector_key", usage: "`key` of a private libp2p network, in hexadecimal digits; - reads it from standard input"},
	{key: "strategy", usage: "`name` of the way to choose a peer: failover, leastloaded, roundrobin, sticky or weighted (default failover)"},
	{key: "retries", usage: "`number` of further attempts after the first (default 3)"},
}

// FlagName returns the name of a key's flag with its dashes.
func FlagName(key string) string {
	if key == "api" {
		return "--cluster"
	}
	return "--" + strings.ReplaceAll(key, "_", "-")
}

// Flags are the values of the flags of the settings. Register makes one.
type Flags struct {
	set     *pflag.FlagSet
	text    map[string]*string
	isSet   map[string]*bool
	ordered []flag
}

// Register adds a flag for each setting that has one.
func Register(set *pflag.FlagSet) *Flags {
	f := &Flags{set: set, text: make(map[string]*string), isSet: make(map[string]*bool), ordered: flags}
	for _, d := range flags {
		name := strings.TrimPrefix(FlagName(d.key), "--")
		if d.isSet {
			f.isSet[d.key] = set.Bool(name, false, d.usage)
		} else {
			f.text[d.key] = set.String(name, "", d.usage)
		}
	}
	return f
}

// Values returns the settings whose flag was given.
func (f *Flags) Values() Values {
	values := make(Values)
	for _, d := range f.ordered {
		switch {
		case !f.set.Changed(strings.TrimPrefix(FlagName(d.key), "--")):
		case d.isSet:
			values[d.key] = strconv.FormatBool(*f.isSet[d.key])
		default:
			values[d.key] = *f.text[d.key]
		}
	}
	return values
}

// FromInput is the value of a secret's flag that asks to read the secret from
// standard input.
const FromInput = "-"

// Secrets returns the keys whose values must be kept from other users.
func Secrets() []string { return []string{"basic_auth", "token", "protector_key"} }

// Exposed returns the names of the flags that show a secret to the other users of
// this machine.
func (v Values) Exposed() []string {
	var names []string
	for _, d := range flags {
		value := v[d.key]
		if value != "" && value != FromInput && maskValue(d.key, value) != value {
			names = append(names, FlagName(d.key))
		}
	}
	return names
}
