package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

// addFlags are the flags of add.
type addFlags struct {
	pin    pinFlags
	wait   waitFlags
	params *api.AddParams // those that have a flag of the same meaning

	rawLeaves bool
	noStream  bool

	onlyHash   bool
	quiet      bool // print only the CIDs
	quieter    bool // print only the root
	noProgress bool
}

func (f *addFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	f.pin.register(cmd)
	f.wait.register(cmd)
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print only the CIDs")
	set.BoolVarP(&f.quieter, "quieter", "Q", false, "print only the CID of the root")
	set.BoolVar(&f.noProgress, "no-progress", false, "show no progress bar")
	set.BoolVar(&f.onlyHash, "only-hash", false, "print the CIDs without adding anything; needs no cluster")

	p := f.params
	set.BoolVar(&p.Recursive, "recursive", p.Recursive, "permit directories")
	set.BoolVarP(&p.Hidden, "hidden", "H", false, "include hidden files in directories")
	set.BoolVar(&p.Wrap, "wrap-with-directory", false, "put what is added into a directory; several paths always are")
	set.StringVar(&p.Format, "format", p.Format, "`form` of the sources: unixfs, or car for one CAR archive")
	set.StringVar(&p.Layout, "layout", p.Layout, "`layout` of files: balanced or trickle (default balanced)")
	set.StringVarP(&p.Chunker, "chunker", "s", p.Chunker, "`chunker`: size-BYTES, rabin-MIN-AVG-MAX or buzhash")
	set.BoolVar(&f.rawLeaves, "raw-leaves", false, "store the contents of files as raw blocks (default only with --cid-version 1)")
	set.IntVar(&p.CidVersion, "cid-version", p.CidVersion, "`version` of the CIDs: 0 or 1")
	set.StringVar(&p.HashFun, "hash", p.HashFun, "hash `function`; others than sha2-256 need --cid-version 1")
	set.BoolVar(&p.Local, "local", false, "put the blocks only on the contacted peer; the pin is as usual")
	set.BoolVar(&p.NoPin, "no-pin", false, "put the blocks without a pin")
	set.BoolVar(&p.NoCopy, "nocopy", false, "keep references to URLs instead of blocks")
	set.BoolVar(&p.Shard, "shard", false, "spread a large tree over the peers (experimental in the cluster)")
	set.Uint64Var(&p.ShardSize, "shard-size", p.ShardSize, "largest size of a shard in `bytes`")
	set.BoolVar(&f.noStream, "no-stream", false, "ask for the report at the end, as some proxies need it")
	set.BoolVar(&p.Progress, "progress", false, "with --json, also print the progress of each file")
}

// exclusive are the pairs of flags that cannot be combined. Of a sharded add, the reports
// do not show which CID is the root.
var exclusive = [][2]string{{"quiet", "quieter"}, {"only-hash", "wait"}, {"no-pin", "wait"}, {"shard", "quieter"}, {"shard", "wait"}, {"shard", "only-hash"}}

// addParams returns the parameters that the flags of cmd describe.
func (f *addFlags) addParams(cmd *cobra.Command, now time.Time) (*api.AddParams, error) {
	for _, pair := range exclusive {
		if cmd.Flags().Changed(pair[0]) && cmd.Flags().Changed(pair[1]) {
			return nil, exitcode.Usage("--%s and --%s cannot be combined: drop one of them", pair[0], pair[1])
		}
	}
	opts, err := f.pin.options(now)
	if err != nil {
		return nil, err
	}
	p := *f.params
	opts.ShardSize = p.ShardSize
	p.PinOptions = opts
	p.StreamChannels = !f.noStream
	if cmd.Flags().Changed("raw-leaves") {
		p.RawLeaves, p.NoRawLeaves = f.rawLeaves, !f.rawLeaves
	}
	if p.Progress && !cmd.Flags().Changed("json") {
		return nil, exitcode.Usage("--progress needs --json: without it, a bar shows the progress on a terminal")
	}
	if err := p.Validate(); err != nil {
		return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: errors.New(oneSentence(err.Error()))}
	}
	return &p, nil
}
