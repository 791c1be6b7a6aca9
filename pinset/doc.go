// Package pinset works on many pins: it pins, unpins and recovers lists of any length, backs
// up and restores the pinset of a cluster, makes it equal to a list or to another cluster,
// and finds and repairs what is not pinned as it should be. It needs only a [client.Client],
// such as a load balancer of package lbclient, which spreads the calls over the peers.
//
//	for pin, err := range pinset.Pin(ctx, c, pinset.Import(file, api.PinOptions{})) {
//		if err != nil {
//			log.Print(err) // this item failed; the others go on
//			continue
//		}
//		fmt.Println(pin.Cid)
//	}
//
// # Sources
//
// A source is a sequence of pins and errors: what [Import] reads from a file, what
// Allocations of a client lists, or [Cids]. It is used once, by one goroutine, which need
// not be that of the loop. It must not change a pin that it has yielded, and if it waits,
// as for a pipe, it must end with its context, because nothing else interrupts it.
//
// An error of the source is passed on, and the work goes on if the source does.
//
// # Loops
//
// The functions that return a sequence begin to work when the loop begins. Each pair has a
// result or an error; a loop with one variable would miss all errors. An [*ItemError] is
// the failure of one item, and a [*LineError] that of a line of a source: the work goes on
// with the other items.
//
// Any other error means that all further calls would fail, too: the context has ended, the
// client is closed, the cluster refuses the credentials, or it has served no call, whatever
// the item, for the time of [WithPatience]. Such an error comes after the results of the
// calls in flight, and ends the loop.
//
// Leaving the loop cancels the calls in flight. When the loop has ended, all goroutines
// have ended.
//
// # Concurrency
//
// The number of calls at a time adapts to what the cluster takes. It grows while that raises
// the throughput, and is lowered if calls only take longer, or the cluster refuses them
// (429, 503, or no answer). A refused call is repeated, with growing pauses and not before
// the time that the server names, until it has failed for the time of [WithPatience]. All
// calls are idempotent, so that work that was interrupted can be done again.
//
// A result waits until the loop takes it, so that a slow loop slows the work down.
//
// Results come in the order of completion. If a source has an item twice, both calls may
// be in flight together; [Sync] works on the first one only.
//
// # Which options are compared
//
// [Diff] and [Sync] compare what a user has set and the server has stored: name, mode,
// replication factors, expiry (to the second), metadata and origins. A replication factor
// of 0, the default of the server's configuration, equals any. Not compared are
// allocations and timestamps, which the cluster assigns; user allocations, which it does
// not store; the shard size, which matters only to adds; and PinUpdate, which says how a
// pin was made. A pin of the source that has expired is neither pinned nor deleted.
//
// Sharded content is several pins: that of its root (api.MetaType), and others that it
// refers to. They are never changed or deleted. A root that only the source has is an
// error, because only an add can make its shards.
//
// With Raft, servers up to v1.1.6 store options of earlier pins with later ones (Q9 in
// docs/upstream-faults.md), so that differences may remain however often they are pinned
// again.
//
// # Memory
//
// [Diff] and [Sync] hold 24 bytes of each pin, about 28 MB for a million: hashes with random
// seeds of its CID and of its options. A difference is overlooked with a probability of
// 2^-62, or if two CIDs have the same hash, which is 2·10^-27 for a million of them. No
// function holds a list of pins.
package pinset
