package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

// pinFlags are the flags of the options of a pin.
type pinFlags struct {
	name        string
	replication int
	min, max    int
	expireIn    age
	expireAt    string
	metadata    []string
	allocations []string
	origins     []string
}

// register adds the flags to cmd.
func (f *pinFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVarP(&f.name, "name", "n", "", "`name` of the pin")
	set.IntVarP(&f.replication, "replication", "r", 0, "`number` of peers that pin the item; sets the minimum and the maximum")
	set.IntVar(&f.min, "replication-min", 0, "smallest `number` of peers; -1 is all, 0 is the cluster's default")
	set.IntVar(&f.max, "replication-max", 0, "largest `number` of peers; -1 is all, 0 is the cluster's default")
	set.StringSliceVar(&f.allocations, "allocations", nil, "comma-separated `IDs` of the peers to prefer")
	f.registerExpiry(cmd)
	set.StringArrayVar(&f.metadata, "metadata", nil, "`key=value` to keep with the pin; can be repeated")
	set.StringSliceVar(&f.origins, "origins", nil, "comma-separated `addresses` of IPFS daemons that have the content, with peer IDs")
}

// registerExpiry adds the flags for the end of a pin to cmd.
func (f *pinFlags) registerExpiry(cmd *cobra.Command) {
	cmd.Flags().Var(&f.expireIn, "expire-in", "unpin the item after this `time`, such as 12h or 30d")
	cmd.Flags().StringVar(&f.expireAt, "expire-at", "", "unpin the item at this `time`, such as 2030-01-31T12:00:00Z")
}

// options returns the options that the flags describe. now is the start of the time
// until the pin expires.
func (f *pinFlags) options(now time.Time) (api.PinOptions, error) {
	switch {
	case f.replication != 0 && (f.min != 0 || f.max != 0):
		return api.PinOptions{}, exitcode.Usage("--replication sets --replication-min and --replication-max: drop it, or them")
	case f.expireIn > 0 && f.expireAt != "":
		return api.PinOptions{}, exitcode.Usage("--expire-in and --expire-at both say when: drop one of them")
	}
	opts := api.PinOptions{Name: f.name, ReplicationFactorMin: f.min, ReplicationFactorMax: f.max}
	if f.replication != 0 {
		opts.ReplicationFactorMin, opts.ReplicationFactorMax = f.replication, f.replication
	}
	switch {
	case f.expireIn > 0:
		opts.ExpireAt = now.Add(time.Duration(f.expireIn))
	case f.expireAt != "":
		at, err := time.Parse(time.RFC3339, f.expireAt)
		if err != nil {
			return opts, exitcode.Usage("--expire-at %s is not a time such as 2030-01-31T12:00:00Z", f.expireAt)
		}
		opts.ExpireAt = at
	}
	for _, entry := range f.metadata {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || key == "" {
			return opts, exitcode.Usage("--metadata %s does not have the form key=value", entry)
		}
		if opts.Metadata == nil {
			opts.Metadata = make(map[string]string)
		}
		opts.Metadata[key] = value
	}
	for _, text := range f.allocations {
		id, err := peer.Decode(text)
		if err != nil {
			return opts, exitcode.Usage("--allocations: %s is not the ID of a peer", text)
		}
		opts.UserAllocations = append(opts.UserAllocations, id)
	}
	for _, text := range f.origins {
		address, err := api.NewMultiaddr(text)
		if err != nil {
			return opts, exitcode.Usage("--origins: %s is not a multiaddress", text)
		}
		opts.Origins = append(opts.Origins, address)
	}
	return opts, nil
}

// age is the value of a flag for a time span: a duration such as 90m, or a number of
// days such as 30d. The zero value means that the flag is not given.
type age time.Duration

// Set implements pflag.Value.
func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a time such as 12h or 30d", text)
	}
	*a = age(d)
	return nil
}

// String implements pflag.Value.
func (a *age) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Type implements pflag.Value.
func (a *age) Type() string { return "time" }
