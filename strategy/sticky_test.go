package strategy

import (
	"slices"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/chisquare"
)

// chosen returns the names of the clients picked for the keys 0 to n-1.
func chosen(s *Sticky, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = nameOf(s.Pick(&Call{Op: client.OpStatus, Key: testKey(i)}))
	}
	return names
}

func newSticky(clients []client.Client) *Sticky {
	s := &Sticky{}
	s.SetClients(clients)
	return s
}

// Programs of different versions must choose the same client for a key, so the
// choices must never change.
func TestStickyChoicesAreFixed(t *testing.T) {
	s := newSticky(newPeers(10))
	check(t, "clients of 40 keys", strings.Join(chosen(s, 40), ""), "bfiidaffifcdiadjbijhgfhbbecgfcffgehbhjfb")
	var peers []client.Client
	for _, name := range []string{"/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094", "/dns4/cluster-3.example/tcp/9094/https"} {
		peers = append(peers, newPeer(name, 1))
	}
	s = newSticky(peers)
	for key, want := range map[string]int{
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG":              1,
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi": 2,
		"/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG":        0,
		"/ipns/example.com": 2,
		"c":                 0,
	} {
		check(t, key, nameOf(s.Pick(&Call{Key: key})), nameOf(peers[want]))
	}
}

// The choice for a key depends neither on how often the key was used nor on the
// order of the clients.
func TestStickyIsSticky(t *testing.T) {
	const keys = 20_000 // more than recent can hold
	peers := newPeers(10)
	s := newSticky(peers)
	first := chosen(s, keys)
	if again := chosen(s, keys); !slices.Equal(again, first) {
		t.Error("a key's client changed")
	}
	other := slices.Clone(peers)
	slices.Reverse(other)
	if reversed := chosen(newSticky(other), keys); !slices.Equal(reversed, first) {
		t.Error("the choice depends on the order of the clients")
	}
	scores := s.scores.Load()
	for i, name := range first {
		if at := scores.highest(hash(testKey(i)), &Call{}); nameOf(peers[at]) != name {
			t.Fatalf("key %d went to %s, the highest score has %s", i, name, nameOf(peers[at]))
		}
	}
}

func TestStickyShares(t *testing.T) {
	for _, n := range []int{2, 3, 10, 100} {
		peers := newPeers(n)
		counts := make([]int, n)
		for _, name := range chosen(newSticky(peers), 50_000) {
			counts[[]rune(name)[0]-'a']++
		}
		chisquare.Check(t, "clients of keys", counts, chisquare.Even(n))
	}
}

// When a client leaves, only its keys move, evenly to all others. When a client
// joins, it takes an n-th of the keys, and no other keys move.
func TestStickyMembership(t *testing.T) {
	const n, keys = 10, 50_000
	peers := newPeers(n)
	s := newSticky(peers)
	before := chosen(s, keys)
	for gone := range n {
		s.SetClients(slices.Delete(slices.Clone(peers), gone, gone+1))
		moved, heirs := 0, make([]int, n)
		for i, name := range chosen(s, keys) {
			switch {
			case before[i] == nameOf(peers[gone]):
				moved++
				heirs[name[0]-'a']++
			case before[i] != name:
				t.Fatalf("key %d moved from %s to %s when %s left", i, before[i], name, nameOf(peers[gone]))
			}
		}
		chisquare.Check(t, "keys that moved", []int{moved, keys - moved}, []float64{1, n - 1})
		chisquare.Check(t, "their new clients", slices.Delete(heirs, gone, gone+1), chisquare.Even(n-1))
		s.SetClients(peers)
		if back := chosen(s, keys); !slices.Equal(back, before) {
			t.Fatalf("keys did not come back to %s", nameOf(peers[gone]))
		}
	}
}

// A retry goes to the client that would have the key if the tried clients left.
func TestStickyRetries(t *testing.T) {
	peers := newPeers(4)
	s := newSticky(peers)
	seconds := make([]int, 4)
	for i := range 2000 {
		call := &Call{Op: client.OpStatus, Key: testKey(i)}
		left := slices.Clone(peers)
		for call.Attempt = range 4 {
			c := s.Pick(call)
			if want := newSticky(left).Pick(&Call{Key: call.Key}); c != want {
				t.Fatalf("attempt %d of key %d went to %s, want %s", call.Attempt, i, nameOf(c), nameOf(want))
			}
			if call.Attempt == 1 && call.Tried[0] == peers[0] {
				seconds[slices.Index(peers, c)]++
			}
			call.Tried = append(call.Tried, c)
			left = slices.DeleteFunc(left, call.WasTried)
		}
	}
	chisquare.Check(t, "first retries after a", seconds[1:], chisquare.Even(3))
}

func TestStickyWithoutKey(t *testing.T) {
	s := newSticky(newPeers(3))
	check(t, "calls without a key", firsts(s, 6), "abcabc")
	check(t, "attempts of one", attempts(s, 4), "abca")
}

// Clients without a name keep their keys, too. Clients with the same name get equal
// shares of the keys.
func TestStickyNames(t *testing.T) {
	for what, clients := range map[string][]client.Client{
		"nameless":  {&bare{}, &bare{}, &bare{}},
		"empty":     {newPeer("", 1), newPeer("", 1), newPeer("", 1)},
		"namesakes": {newPeer("x", 1), newPeer("x", 1), newPeer("x", 1)},
	} {
		s := newSticky(clients)
		counts := make([]int, 3)
		first := map[string]client.Client{}
		for i := range 3000 {
			key := testKey(i)
			first[key] = s.Pick(&Call{Key: key})
			counts[slices.Index(clients, first[key])]++
		}
		chisquare.Check(t, what, counts, chisquare.Even(3))
		s.SetClients(clients[:2])
		for key, c := range first {
			if got := s.Pick(&Call{Key: key}); c != clients[2] && got != c {
				t.Fatalf("%s: a key moved when another client left", what)
			}
		}
	}
}

// Keys that differ only slightly must have independent hashes.
func TestHashOfSimilarKeys(t *testing.T) {
	for _, prefix := range []string{"", "k", "/ipfs/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/a/"} {
		for bit := range 64 {
			ones := 0
			const keys = 2000
			for i := range keys {
				ones += int(hash(prefix+testKey(i)[49:]) >> bit & 1)
			}
			chisquare.Check(t, "a bit of the hash", []int{ones, keys - ones}, chisquare.Even(2))
		}
	}
	if hash("a") == hash("a\x00") || hash("") == hash("\x00") {
		t.Error("keys that differ in zeros at the end have the same hash")
	}
}
