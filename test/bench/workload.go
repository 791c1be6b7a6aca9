package main

import "context"

// workload is work that several contenders do.
type workload struct {
	name    string // prefix of the names of its figures
	about   string
	figures []figure
	measure func(context.Context, *report) error
}

// figure is a result that must reach a bar.
type figure struct {
	name  string // without the name of its workload
	about string
	bar   float64
	least bool // the bar is a lower limit, not an upper one
}

// met reports whether v reaches the bar.
func (f figure) met(v float64) bool {
	if f.least {
		return v >= f.bar
	}
	return v <= f.bar
}

// sign returns the sign before the bar.
func (f figure) sign() string {
	if f.least {
		return "≥"
	}
	return "≤"
}

var workloads = []workload{
	{
		name:  "status_all",
		about: "StatusAll of 20,000 items at 3 peers, with addresses; memory with 1,000,000 items",
		figures: []figure{
			{name: "vs_naive", about: "time against the naive client", bar: 0.12},
			{name: "vs_floor", about: "time against the bare tokenizer", bar: 1.8},
			{name: "allocs", about: "allocations an item", bar: 14},
			{name: "peak_mb", about: "peak heap over idle, MB", bar: 16},
		},
		measure: statusAll,
	},
	{
		name:    "allocations",
		about:   "Allocations of 100,000 pins",
		figures: []figure{{name: "vs_naive", about: "time against the naive client", bar: 0.2}},
		measure: allocations,
	},
	{
		name:    "lb_listing",
		about:   "Allocations of 1,000,000 pins over the load balancer, twice",
		figures: []figure{{name: "peak_mb", about: "peak heap over idle, MB", bar: 24}},
		measure: lbListing,
	},
	{
		name:  "pinset",
		about: "Pin of 300 pins at peers that take 2 ms; Sync of 1,000,000 pins with 1,000,000",
		figures: []figure{
			{name: "pin_vs_serial", about: "throughput against a loop", bar: 5, least: true},
			{name: "sync_peak_mb", about: "peak memory over idle, MB", bar: 64},
		},
		measure: bulk,
	},
	{
		name:  "id",
		about: "ID over the load balancer, one call after another",
		figures: []figure{
			{name: "vs_floor", about: "time against http.Get and io.ReadAll", bar: 1.25},
			{name: "allocs_vs_floor", about: "allocations against the same", bar: 1.5},
		},
		measure: id,
	},
	{
		name:    "id_parallel",
		about:   "ID over the load balancer, 32 goroutines, 3 peers",
		figures: []figure{{name: "vs_floor", about: "throughput against raw net/http", bar: 0.8, least: true}},
		measure: idParallel,
	},
	{
		name:    "p2p",
		about:   "Version over a warm libp2p connection, on loopback TCP",
		figures: []figure{{name: "vs_http", about: "time against the same call over HTTP", bar: 1.3}},
		measure: overLibp2p,
	},
	{
		name:  "add_large",
		about: "Add of a file of 64 MiB",
		figures: []figure{
			{name: "vs_floor", about: "throughput against http.Post of the file", bar: 0.9, least: true},
			{name: "verify_cost", about: "time with verification against without", bar: 2.5},
		},
		measure: addLarge,
	},
	{
		name:  "add_small",
		about: "Add of 1,000 files of 4 KiB",
		figures: []figure{
			{name: "vs_naive", about: "time against boxo's MultiFileReader", bar: 0.4},
			{name: "allocs", about: "allocations a file", bar: 40},
		},
		measure: addSmall,
	},
	{
		name:    "add_one",
		about:   "Add of one file of 4 KiB",
		figures: []figure{{name: "alloc_kb", about: "memory allocated for an add, KB", bar: 24}},
		measure: addOne,
	},
	{
		name:    "add_huge",
		about:   "AddMultiFile of 4 GiB from a generated source",
		figures: []figure{{name: "peak_mb", about: "peak heap over idle, MB", bar: 8}},
		measure: addHuge,
	},
	{
		name:    "cli",
		about:   "the command pinfleet id, from its start to its first output",
		figures: []figure{{name: "start_ms", about: "time over that of the smallest program, ms", bar: 60}},
		measure: cli,
	},
	{
		name:    "import",
		about:   "import of 256 MiB in chunks of 262144 bytes by the in-process cluster",
		figures: []figure{{name: "vs_floor", about: "throughput against SHA-256 alone", bar: 0.6, least: true}},
		measure: importing,
	},
	{
		name:  "weight",
		about: "a program that speaks HTTP only",
		figures: []figure{
			{name: "modules", about: "modules besides this one", bar: 28},
			{name: "mb", about: "linked, MB", bar: 15.8},
		},
		measure: weight,
	},
	{
		name:    "weight_p2p",
		about:   "a program with libp2p",
		figures: []figure{{name: "mb", about: "linked, MB", bar: 23}},
		measure: weightLibp2p,
	},
}

func names() []string {
	var all []string
	for _, w := range workloads {
		all = append(all, w.name)
	}
	return all
}
