package clustertest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// replayer brings a cluster into the states in which cases were recorded.
type replayer struct {
	c *clustertest.Cluster
	// ids replaces recorded peer IDs with those of the cluster's peers.
	ids   *strings.Replacer
	peers map[string]int
	// down is the peer that is down in degraded cases.
	down int

	// made and removed hold the CIDs that earlier cases have pinned and unpinned.
	made, removed map[string]bool
	// now is the time at which the current case was recorded, in Unix seconds. It
	// is 0 when the cluster starts, so that the cluster has been running for a long
	// time when the first case is replayed.
	now atomic.Int64
}

// newReplayer starts a cluster like that of a transcript. all are transcripts
// of the same peers.
func newReplayer(t *testing.T, f golden.File, all []golden.File) *replayer {
	r := &replayer{
		peers: make(map[string]int),
		down:  downPeer(f),
	}
	opts := optionsFor(f)
	// A Date header has no fractions of a second, unlike the time of a real cluster.
	opts.Now = func() time.Time { return time.Unix(r.now.Load(), 123456789) }
	r.c = clustertest.New(t, opts)
	r.forget()
	var pairs []string
	for _, other := range append(slices.Clone(all), f) {
		for id, i := range other.Peers() {
			if i < len(r.c.Peers()) {
				r.peers[id] = i
				pairs = append(pairs, id, r.c.Peer(i).ID().String())
			}
		}
	}
	r.ids = strings.NewReplacer(pairs...)
	return r
}

func (r *replayer) forget() {
	r.made, r.removed = make(map[string]bool), make(map[string]bool)
}

// optionsFor returns the options of a cluster like that of the transcript.
func optionsFor(f golden.File) clustertest.Options {
	opts := clustertest.Options{Peers: 3}
	for _, c := range f.Cases {
		if strings.HasPrefix(c.Name, "raft") || strings.HasPrefix(f.Name, "raft") {
			opts.Consensus = clustertest.Raft
		}
		if c.Request.Get("Authorization") != "" || c.Response.Get("Www-Authenticate") != "" {
			opts.BasicAuth = map[string]string{"alice": "wonder", "bob": "builder"}
		}
	}
	return opts
}

var downPattern = regexp.MustCompile(`127\.0\.0\.1:5(\d)01|/tcp/9(\d)96\] dial backoff`)

// downPeer returns the peer that is down according to a degraded transcript.
func downPeer(f golden.File) int {
	for _, c := range f.Cases {
		content, _ := c.Response.Body.Bytes()
		if m := downPattern.FindStringSubmatch(string(content)); m != nil {
			i, _ := strconv.Atoi(m[1] + m[2])
			return i
		}
	}
	return 2
}

// prepare brings the cluster into the state in which a case was recorded. The
// cases before it have been replayed. The rest of the state comes from requests
// that the transcript does not contain.
func (r *replayer) prepare(t *testing.T, step golden.Case) {
	t.Helper()
	if at, err := http.ParseTime(step.Response.Get("Date")); err == nil {
		r.now.Store(at.Unix())
	}
	switch {
	case ipfsDown(step):
		r.c.Peer(r.down).StopIPFS()
	case peerDown(step):
		r.c.Peer(r.down).Stop()
	}
	path, _, _ := strings.Cut(step.Request.Target, "?")
	reads := step.Request.Method == http.MethodGet && (strings.HasPrefix(path, "/allocations") || strings.HasPrefix(path, "/pins"))
	removes := step.Request.Method == http.MethodDelete && strings.HasPrefix(path, "/pins/")
	switch {
	case (reads || removes) && step.Response.Status == http.StatusOK:
		r.seed(t, step)
	case (reads || removes) && step.Response.Status == http.StatusNotFound:
		r.unpin(t, step, path[strings.LastIndex(path, "/")+1:])
	}
}

// seed stores the pins of an answer in the pinset, except those that earlier
// cases have made.
func (r *replayer) seed(t *testing.T, step golden.Case) {
	t.Helper()
	content, _ := step.Response.Body.Bytes()
	for dec := json.NewDecoder(bytes.NewReader(content)); dec.More(); {
		var item json.RawMessage
		var pin api.Pin
		var status api.GlobalPinInfo
		if err := dec.Decode(&item); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(item, &pin), json.Unmarshal(item, &status)); err != nil {
			t.Fatal(err)
		}
		if len(status.PeerMap) > 0 {
			if status.Match(api.TrackerStatusUnpinned) {
				continue
			}
			fromStatus(&pin, status)
		}
		if r.made[pin.Cid.String()] || r.removed[pin.Cid.String()] || r.has(pin.Cid.String()) {
			continue
		}
		for i, id := range pin.Allocations {
			if n, ok := r.peers[id.String()]; ok {
				pin.Allocations[i] = r.c.Peer(n).ID()
			}
		}
		t.Logf("seeding %s, which no earlier case has pinned", pin.Cid)
		r.c.SeedPin(pin)
	}
}

// fromStatus guesses the fields of a pin that its status does not contain.
func fromStatus(pin *api.Pin, status api.GlobalPinInfo) {
	pin.Timestamp, pin.MaxDepth = status.Created, -1
	for _, info := range status.PeerMap {
		switch info.Status {
		case api.TrackerStatusSharded:
			pin.Type, pin.MaxDepth = api.MetaType, 0
		case api.TrackerStatusUnexpectedlyUnpinned:
			pin.Type, pin.MaxDepth = api.ClusterDAGType, 0
		}
	}
	if len(pin.Allocations) == 0 {
		pin.ReplicationFactorMin, pin.ReplicationFactorMax = -1, -1
	}
}

// unpin removes a pin that the case must not find, unless an earlier case has
// removed it.
func (r *replayer) unpin(t *testing.T, step golden.Case, cid string) {
	t.Helper()
	if r.has(cid) && !r.removed[cid] {
		r.exchange(t, step.Endpoint(), http.MethodDelete, fmt.Appendf(nil, "DELETE /pins/%s HTTP/1.1\r\nHost: cluster\r\n\r\n", cid))
	}
}

func (r *replayer) has(cid string) bool {
	return slices.ContainsFunc(r.c.Pinset(), func(pin api.Pin) bool { return pin.Cid.String() == cid })
}

// note records the CIDs that a case has pinned or unpinned: that of the pin, or
// the last one of an add and those of its shards.
func (r *replayer) note(step golden.Case) {
	set := r.made
	switch {
	case step.Response.Status != http.StatusOK || strings.Contains(step.Request.Target, "no-pin=true"):
		return
	case step.Request.Method == http.MethodDelete:
		set = r.removed
	case step.Request.Method != http.MethodPost:
		return
	}
	content, _ := step.Response.Body.Bytes()
	last := ""
	for dec := json.NewDecoder(bytes.NewReader(content)); dec.More(); {
		var item struct {
			Name string
			Cid  api.Cid
		}
		if dec.Decode(&item) != nil {
			return
		}
		last = item.Cid.String()
		if strings.HasPrefix(item.Name, "shard-") || strings.HasSuffix(item.Name, "-clusterDAG") {
			set[last] = true
		}
	}
	set[last] = true
}
