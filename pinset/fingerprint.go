package pinset

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/pinfleet/pinfleet/api"
)

// fingerprints computes fingerprints of the options of pins. Two pins with different
// options have the same fingerprint with a probability of 2^-62, whatever the options,
// because the hash has a random seed.
type fingerprints struct {
	seed maphash.Seed
	// factors holds the replication factors of the pins in the cluster.
	factors map[factors]bool
}

func newFingerprints() *fingerprints {
	return &fingerprints{seed: maphash.MakeSeed(), factors: map[factors]bool{}}
}

// factors are the replication factors of a pin. 0 is that of the server's configuration,
// which the API does not reveal.
type factors struct{ min, max int }

func factorsOf(p *api.Pin) factors { return factors{p.ReplicationFactorMin, p.ReplicationFactorMax} }

// covers reports whether a pin with the factors f may be stored with those of other.
func (f factors) covers(other factors) bool {
	return (f.min == 0 || f.min == other.min) && (f.max == 0 || f.max == other.max)
}

// fingerprint is a hash of the options of a pin.
type fingerprint uint64

const fingerprintMask = 1<<62 - 1

// of returns the fingerprint of a pin. It is composed so that the factors can be
// exchanged: see matches.
func (f *fingerprints) of(p *api.Pin) fingerprint { return f.others(p) ^ f.ofFactors(factorsOf(p)) }

// stored returns the fingerprint of a pin in the cluster.
func (f *fingerprints) stored(p *api.Pin) fingerprint {
	f.factors[factorsOf(p)] = true
	return f.of(p)
}

// matches reports whether a pin in the cluster, whose fingerprint is have, has the options
// of want. Factors of want that are 0 match all.
func (f *fingerprints) matches(want *api.Pin, have fingerprint) bool {
	if f.of(want) == have {
		return true
	}
	mine := factorsOf(want)
	if mine.min != 0 && mine.max != 0 {
		return false
	}
	others := f.others(want)
	for stored := range f.factors {
		if mine.covers(stored) && others^f.ofFactors(stored) == have {
			return true
		}
	}
	return false
}

func (f *fingerprints) ofFactors(v factors) fingerprint {
	var h maphash.Hash
	h.SetSeed(f.seed)
	writeNumber(&h, int64(v.min))
	writeNumber(&h, int64(v.max))
	return fingerprint(h.Sum64() & fingerprintMask)
}

// others returns the fingerprint of the options other than the factors.
func (f *fingerprints) others(p *api.Pin) fingerprint {
	var h maphash.Hash
	h.SetSeed(f.seed)
	writeText(&h, p.Name)
	writeNumber(&h, int64(p.Mode))
	expiry := int64(0)
	if unix := p.ExpireAt.Unix(); unix > 0 { // as the server stores it
		expiry = unix
	}
	writeNumber(&h, expiry)
	for _, key := range slices.Sorted(maps.Keys(p.Metadata)) {
		if key != "" { // not sent
			writeText(&h, key)
			writeText(&h, p.Metadata[key])
		}
	}
	writeNumber(&h, -1) // no length: the end of the metadata
	for _, origin := range slices.Sorted(slices.Values(p.Origins)) {
		writeText(&h, string(origin))
	}
	return fingerprint(h.Sum64() & fingerprintMask)
}

func writeText(h *maphash.Hash, text string) {
	writeNumber(h, int64(len(text)))
	h.WriteString(text)
}

func writeNumber(h *maphash.Hash, n int64) {
	var buf [8]byte
	binary.LittleEndian.PutUint64(buf[:], uint64(n))
	h.Write(buf[:])
}
