package strategy

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// Sticky sends all calls about one CID or path to the same client, whose peer
// then has it in its caches, and their retries to the next in an order that is
// the CID's own. It is rendezvous hashing (Thaler and Ravishankar, "Using
// Name-Based Mappings to Increase Hit Rates", 1998): each client has a score
// for each key, and the highest is chosen. A client that leaves moves only the
// keys that it had, and to all the others evenly; one that comes takes an equal
// part of everybody's.
//
// The scores depend on the key and the client's name alone, which is what its
// method Endpoint() string returns: all programs that have the same endpoints
// agree. A client that has none is known by its identity, to this strategy.
//
// Calls about nothing in particular take turns, as with [RoundRobin]. Weights
// do not count: who is asked for a CID depends on nothing that changes.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Sticky struct {
	rotation RoundRobin   // for calls without a key
	nameless maphash.Seed // for clients without a name
	scores   atomic.Pointer[scores]
}

// scores is what the clients' scores are made of. It is replaced as a whole.
type scores struct {
	clients []client.Client
	seeds   []uint64
	// recent remembers the choice for recently used keys, which saves a look
	// at all the clients: the key's hash, the lowest bits of which are the
	// client's index + 1.
	recent [recentKeys]atomic.Uint64
}

const (
	recentKeys = 1 << 13
	indexMask  = 1<<16 - 1
)

// SetClients implements LBStrategy.
func (s *Sticky) SetClients(clients []client.Client) {
	s.rotation.SetClients(clients)
	if s.nameless == (maphash.Seed{}) {
		s.nameless = maphash.MakeSeed()
	}
	next := &scores{clients: clients, seeds: make([]uint64, len(clients))}
	namesakes := map[string]uint64{}
	for i, c := range clients {
		named, ok := c.(interface{ Endpoint() string })
		if !ok || named.Endpoint() == "" {
			next.seeds[i] = maphash.Comparable(s.nameless, c)
			continue
		}
		name := named.Endpoint()
		next.seeds[i] = mix(hash(name), namesakes[name])
		namesakes[name]++
	}
	s.scores.Store(next)
}

// Next implements LBStrategy. It knows nothing of the call, so each attempt
// takes a turn; Pick does better.
func (s *Sticky) Next(count int) client.Client { return s.rotation.Next(count) }

// Pick implements Picker: of the clients that the call was not sent to the one
// with the highest score, and when there is none left, the one asked the
// longest ago.
func (s *Sticky) Pick(call *Call) client.Client {
	scores := s.scores.Load()
	if scores == nil || call.Key == "" {
		return s.rotation.Pick(call)
	}
	key := hash(call.Key)
	if len(call.Tried) > 0 {
		if i := scores.highest(key, call); i >= 0 {
			return scores.clients[i]
		}
		return longestAgo(scores.clients, call)
	}
	known := &scores.recent[key/(1<<64/recentKeys)]
	choice := known.Load()
	if choice&indexMask == 0 || choice&^indexMask != key&^indexMask {
		i := scores.highest(key, call)
		if i < 0 {
			return nil // U39
		}
		if i >= indexMask {
			return scores.clients[i]
		}
		choice = key&^indexMask | uint64(i+1)
		known.Store(choice)
	}
	return scores.clients[choice&indexMask-1]
}

// highest returns the index of the client with the highest score for the key,
// among those that call was not sent to; -1 if there is none.
func (s *scores) highest(key uint64, call *Call) int {
	best, at := uint64(0), -1
	for i, seed := range s.seeds {
		if score := mix(key, seed); (score > best || at < 0) && !call.WasTried(s.clients[i]) {
			best, at = score, i
		}
	}
	return at
}

// hash is a hash of s. It is the same in all programs, so it must not change.
func hash(s string) uint64 {
	h := uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h, binary.LittleEndian.Uint64([]byte(s[:8])))
	}
	var rest [8]byte
	copy(rest[:], s)
	return mix(h, binary.LittleEndian.Uint64(rest[:]))
}

// mix makes one well-mixed number of two, by the folded multiplication of
// wyhash. The constants are arbitrary.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return hi ^ lo
}
