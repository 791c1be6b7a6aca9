package clustertest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// Cluster is a set of peers that share a pinset. It is safe for concurrent use,
// also while the peers serve.
type Cluster struct {
	opts   Options
	peers  []*Peer
	ids    map[peer.ID]string // peers and their IPFS daemons, as text
	blocks *blockStore
	tls    *serverTLS
	// unixDir was created by Start and is removed by Close; empty if there is none.
	unixDir string

	advance atomic.Int64 // nanoseconds added to Options.Now

	// mu guards the state of the cluster and of its peers, but not the peers' servers.
	mu     sync.Mutex
	pins   pinset
	unpins map[string]*record // operations that remove pins
	alerts []api.Alert
	closed bool
	log    raftLog // of a Raft cluster
	synced bool    // a pin was stored, so the peers have exchanged blocks
}

var errClosed = errors.New("the cluster is closed")

// New starts a cluster and closes it when the test ends. It fails the test if
// the cluster cannot start or close.
func New(tb testing.TB, opts Options) *Cluster {
	tb.Helper()
	c, err := Start(opts)
	if err != nil {
		tb.Fatalf("clustertest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("clustertest: %v", err)
		}
	})
	return c
}

// Start starts a cluster and returns when all peers serve. It fails if the
// options are invalid or an address cannot be listened on. The caller must call Close.
func Start(opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("options of the cluster: %w", err)
	}
	c := &Cluster{
		opts:   opts,
		ids:    make(map[peer.ID]string),
		blocks: newBlockStore(opts.DiscardBlocks),
		pins:   pinset{records: make(map[string]*record)},
		unpins: make(map[string]*record),
	}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) start() error {
	if c.opts.Listen&HTTPS != 0 {
		var err error
		if c.tls, err = newServerTLS(c.opts); err != nil {
			return err
		}
	}
	if c.opts.Listen&Unix != 0 && c.opts.UnixDir == "" {
		dir, err := testenv.NewSocketDir()
		if err != nil {
			return err
		}
		c.unixDir, c.opts.UnixDir = dir, dir
	}
	for i := range c.opts.Peers {
		p, err := newPeer(c, i)
		if err != nil {
			return err
		}
		c.peers = append(c.peers, p)
		c.ids[p.id], c.ids[p.ipfsID] = p.idText, p.ipfsID.String()
	}
	for _, p := range c.peers {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Close stops all peers and frees ports, sockets, temporary files and
// goroutines. It waits for running handlers, so a handler must not call it. A
// second call does nothing.
func (c *Cluster) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	var errs []error
	for _, p := range c.peers {
		p.Stop()
		errs = append(errs, p.release())
	}
	if c.unixDir != "" {
		errs = append(errs, os.RemoveAll(c.unixDir))
	}
	return errors.Join(errs...)
}

func (c *Cluster) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Peer returns the peer with index i, counted from 0.
func (c *Cluster) Peer(i int) *Peer { return c.peers[i] }

// Peers returns all peers by index, including stopped and removed ones.
func (c *Cluster) Peers() []*Peer { return slices.Clone(c.peers) }

// AddrList returns the addresses of the peers' first listeners, separated by commas, in the
// form in which programs take them as an argument.
func (c *Cluster) AddrList() string {
	var list []string
	for _, p := range c.peers {
		list = append(list, p.Addr().String())
	}
	return strings.Join(list, ",")
}

// Advance moves the cluster's clock forward by d. Pins become pinned or expire,
// and the metrics of stopped peers expire. In a synctest bubble, time.Sleep has
// the same effect.
func (c *Cluster) Advance(d time.Duration) { c.advance.Add(int64(d)) }

// now returns the cluster's time. Nothing else in this package reads a clock.
func (c *Cluster) now() time.Time { return c.opts.Now().Add(time.Duration(c.advance.Load())) }

// refresh removes expired pins and completed unpins, and returns the cluster's
// time. c.mu must be held.
func (c *Cluster) refresh() time.Time {
	now := c.now()
	c.pins.expire(now)
	for key, rec := range c.unpins {
		if !c.busy(rec, now) {
			delete(c.unpins, key)
		}
	}
	return now
}

// Pinset returns all pins as the cluster's state stores them, in the order of
// GET /allocations.
func (c *Cluster) Pinset() []api.Pin {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	all := make([]api.Pin, 0, len(c.pins.records))
	for _, rec := range c.pins.all() {
		all = append(all, rec.pin)
	}
	return all
}

// ReadFile returns the content of a file that was added to the cluster. It fails if ci
// is not a file, or if one of its blocks is missing, for example because a garbage
// collection has removed it.
func (c *Cluster) ReadFile(ci cid.Cid) ([]byte, error) {
	var content bytes.Buffer
	if err := unixfs.Read(c.blocks.get, ci, &content); err != nil {
		return nil, fmt.Errorf("file %s: %w", ci, err)
	}
	return content.Bytes(), nil
}

// Seed stores n pins in the pinset, pinned by every peer, and returns their
// CIDs. The pins are named "seed-0" to "seed-<n-1>". The CIDs are raw, of
// version 1, and the content of a pin is its name.
func (c *Cluster) Seed(n int) []cid.Cid {
	c.mu.Lock()
	defer c.mu.Unlock()
	cids := make([]cid.Cid, n)
	for i := range cids {
		name := fmt.Sprintf("seed-%d", i)
		cids[i] = rawCid([]byte(name))
		pin := api.PinCid(api.NewCid(cids[i]))
		pin.Name = name
		pin.ReplicationFactorMin, pin.ReplicationFactorMax = -1, -1
		pin.Timestamp = c.now()
		c.pins.put(&record{pin: storedPin(pin)})
	}
	return cids
}

// SeedPin stores a pin in the pinset and replaces a pin with the same CID. The
// peers that it is allocated to have already pinned it. A zero type means
// DataType, a zero timestamp now.
func (c *Cluster) SeedPin(pin api.Pin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pin.Type == 0 {
		pin.Type = api.DataType
	}
	if pin.Timestamp.IsZero() {
		pin.Timestamp = c.now()
	}
	c.pins.put(&record{pin: storedPin(pin)})
}

// SetStatus makes one peer report a status and an error text for a pin until it
// is recovered or pinned again. Only TrackerStatusPinError,
// TrackerStatusUnpinError and TrackerStatusUnexpectedlyUnpinned can be
// recovered. SetStatus reports whether the CID is in the pinset.
func (c *Cluster) SetStatus(pin cid.Cid, peer int, status api.TrackerStatus, message string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.refresh()
	rec := c.pins.get(api.NewCid(pin))
	if rec == nil {
		return false
	}
	rec.track(peer, tracked{status: status, since: now, err: message, attempts: 1})
	return true
}

func rawCid(block []byte) cid.Cid {
	// The error is always nil, because sha2-256 is linked.
	hash, _ := multihash.Sum(block, multihash.SHA2_256, -1)
	return cid.NewCidV1(cid.Raw, hash)
}
