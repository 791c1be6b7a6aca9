package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Consensus is the component with which the peers of a cluster agree on the
// pinset. The zero value is one that is not known; it is treated like Raft.
type Consensus string

// The consensus components of ipfs-cluster.
const (
	CRDT Consensus = "crdt"
	Raft Consensus = "raft"
)

// ParseConsensus returns the component of that name: crdt, raft, or empty for
// one that is not known.
func ParseConsensus(name string) (Consensus, error) {
	switch c := Consensus(name); c {
	case "", CRDT, Raft:
		return c, nil
	}
	return "", fmt.Errorf("unknown consensus component %q: use crdt or raft", name)
}

// DetectConsensus returns the consensus component of the cluster behind c, or
// the zero value if it cannot be told with certainty, and logs which it is.
//
// It looks at the protocols for which a peer reports bandwidth: only Raft's own
// begins with /raft/, and only the CRDT component exchanges blocks between
// cluster peers, over bitswap. Peers that have not synced since they were
// started have not done so yet; for these, it pins a small file without options,
// and unpins it at the end of the test. A cluster of a single peer, and servers
// before v1.1.1, cannot be told.
func DetectConsensus(ctx context.Context, t *testing.T, c client.Client) Consensus {
	t.Helper()
	s := newSuite(t, c, []Option{WithContext(ctx)})
	t.Cleanup(func() { s.checkUnpinned(t) })
	return s.detectConsensus(t)
}

func (s *suite) detectConsensus(t *testing.T) Consensus {
	t.Helper()
	found, err := s.consensusInUse(s.ctx)
	if err == nil && found == "" {
		found, err = s.consensusOfPin(t)
	}
	switch found {
	case CRDT:
		t.Log("the cluster has CRDT consensus")
	case Raft:
		t.Log("the cluster has Raft consensus, with which pin options stay for all later pins")
	default:
		t.Logf("the consensus of the cluster cannot be told, and is taken for Raft, with which pin options stay for all later pins: %v", err)
	}
	return found
}

// syncPatience is how long peers may take to fetch a pin from each other.
const syncPatience = 10 * time.Second

// consensusOfPin returns the consensus component that has pinned a small file.
func (s *suite) consensusOfPin(t *testing.T) (found Consensus, err error) {
	t.Helper()
	peers, err := s.Peers(s.within(t))
	if err != nil {
		return "", err
	}
	if len(peers) < 2 {
		return "", errors.New("it has a single peer")
	}
	s.pinned(t, "consensus", api.PinOptions{})
	err = retry(s.ctx, syncPatience, func(ctx context.Context) error {
		if found, err = s.consensusInUse(ctx); err == nil && found == "" {
			err = errors.New("its peers have used neither a protocol of Raft nor bitswap")
		}
		return err
	})
	return found, err
}

// consensusInUse returns the consensus component whose protocol the asked peer
// has used, the zero value if it has used neither.
func (s *suite) consensusInUse(ctx context.Context) (Consensus, error) {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	used, err := s.BandwidthByProtocol(ctx)
	if err != nil {
		return "", err
	}
	found := Consensus("")
	for protocol := range used {
		switch {
		case strings.HasPrefix(protocol, "/raft/"):
			return Raft, nil
		case strings.Contains(protocol, "/bitswap"):
			found = CRDT
		}
	}
	return found, nil
}

// checkConsensus ends the test if the cluster is said to have CRDT consensus and
// has Raft.
func (s *suite) checkConsensus(t *testing.T) {
	t.Helper()
	if found, _ := s.consensusInUse(s.ctx); s.consensus == CRDT && found == Raft {
		t.Fatal("the cluster has Raft consensus, not CRDT: the pin options of the tests would stay for all later pins")
	}
}

// maySetOptions reports whether tests may set pin options.
func (s *suite) maySetOptions() bool { return s.consensus == CRDT || s.leaks }

// needsOptions skips a test about a pin option that may not be set.
func (s *suite) needsOptions(t *testing.T) {
	t.Helper()
	if !s.maySetOptions() {
		t.Skip("it is about a pin option, and those may stay for all later pins")
	}
}
