package strategy

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"github.com/pinfleet/pinfleet/client"
)

// Sticky sends all calls about one key (a CID or path) to the same client, whose
// peer then has the data in its caches. Their retries go to the other clients in an
// order that the key determines. Sticky uses rendezvous hashing (Thaler and
// Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998): each client
// has a score for each key, and the client with the highest score is picked. When a
// client leaves, only its keys move, evenly to all other clients. When a client
// joins, it takes an equal part of the keys of every other client.
//
// The score depends only on the key and the client's name, which its method
// Endpoint() string returns. Hence all programs with the same endpoints make the
// same choices. A client without a name has scores that are valid only for this
// Sticky.
//
// Calls without a key take turns, as with [RoundRobin]. Weights are ignored: they
// change over time, and each change would move keys to other clients.
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Sticky struct {
	exclusive

	rotation RoundRobin   // for calls without a key
	nameless maphash.Seed // for clients without a name
	scores   atomic.Pointer[scores]
}

// scores holds the clients and the seeds of their scores. It is replaced as a whole.
type scores struct {
	clients []client.Client
	seeds   []uint64
	// recent caches the choices for recent keys, because computing the scores of
	// all clients is slow. An entry is the key's hash with its lowest bits
	// replaced by the client's index + 1.
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

// Next implements LBStrategy. Because it does not know the call, each attempt takes
// a turn.
func (s *Sticky) Next(count int) client.Client { return s.rotation.Next(count) }

// Pick implements Picker. It returns the untried client with the highest score, and
// when all were tried, the one that was tried least recently.
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
			return nil // no clients: upstream divided by zero (U39)
		}
		if i >= indexMask {
			return scores.clients[i]
		}
		choice = key&^indexMask | uint64(i+1)
		known.Store(choice)
	}
	return scores.clients[choice&indexMask-1]
}

// highest returns the index of the untried client with the highest score for the
// key, or -1 if all were tried.
func (s *scores) highest(key uint64, call *Call) int {
	best, at := uint64(0), -1
	for i, seed := range s.seeds {
		if score := mix(key, seed); (score > best || at < 0) && !call.WasTried(s.clients[i]) {
			best, at = score, i
		}
	}
	return at
}

// hash returns a hash of s. All programs must agree on it, so it must not change.
func hash(s string) uint64 {
	h := uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h, binary.LittleEndian.Uint64([]byte(s[:8])))
	}
	var rest [8]byte
	copy(rest[:], s)
	return mix(h, binary.LittleEndian.Uint64(rest[:]))
}

// mix hashes two numbers to one with the folded multiplication of wyhash. The
// constants are arbitrary, but must not change either.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return hi ^ lo
}
