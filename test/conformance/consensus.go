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

// Consensus is the component through which the peers of a cluster agree on the
// pinset. The zero value means unknown and is treated like Raft.
type Consensus string

// The consensus components of ipfs-cluster.
const (
	CRDT Consensus = "crdt"
	Raft Consensus = "raft"
)

// ParseConsensus returns the component with the given name: crdt, raft, or
// empty for unknown.
func ParseConsensus(name string) (Consensus, error) {
	switch c := Consensus(name); c {
	case "", CRDT, Raft:
		return c, nil
	}
	return "", fmt.Errorf("unknown consensus component %q: use crdt or raft", name)
}

// DetectConsensus returns the consensus component of the cluster behind c, and
// logs it. It returns the zero value if it cannot detect the component with
// certainty.
//
// It uses the protocols for which a peer reports bandwidth. Only protocols of
// Raft begin with /raft/, and only the CRDT component exchanges blocks between
// cluster peers, over bitswap. If the peers have used neither since their
// start, DetectConsensus pins a small file without options, and unpins it at
// the end of the test. It cannot detect the component of a cluster with a
// single peer, or of servers before v1.1.1.
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
		t.Logf("the consensus of the cluster is not known; the tests assume Raft, with which pin options stay for all later pins: %v", err)
	}
	return found
}

// syncPatience is the time within which peers must fetch a pin from each other.
const syncPatience = 10 * time.Second

// consensusOfPin pins a small file and returns the consensus component that was used.
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

// consensusInUse returns the consensus component whose protocol the peer has
// used, or the zero value if it has used neither.
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

// checkConsensus ends the test if the caller has stated CRDT but the cluster
// has Raft.
func (s *suite) checkConsensus(t *testing.T) {
	t.Helper()
	if found, _ := s.consensusInUse(s.ctx); s.consensus == CRDT && found == Raft {
		t.Fatal("the cluster has Raft consensus, not CRDT: the pin options of the tests would stay for all later pins")
	}
}

// maySetOptions reports whether tests may set pin options.
func (s *suite) maySetOptions() bool { return s.consensus == CRDT || s.leaks }

// needsOptions skips a test of a pin option if options must not be set.
func (s *suite) needsOptions(t *testing.T) {
	t.Helper()
	if !s.maySetOptions() {
		t.Skip("it is about a pin option, and those may stay for all later pins")
	}
}
