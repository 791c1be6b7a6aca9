package pyxistest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Paths of virtual nodes, below the reserved prefix.
const (
	virtualCluster  = pyxiswire.Reserved + "/cluster"
	virtualLeader   = virtualCluster + "/leader"
	virtualAddrs    = virtualCluster + "/addrlist"
	virtualDB       = pyxiswire.Reserved + "/db"
	virtualEventLog = pyxiswire.Reserved + "/eventlog"
	virtualSession  = pyxiswire.Reserved + "/session"
	virtualSnapshot = pyxiswire.Reserved + "/snapshot"
)

// virtual returns the virtual node at path, or nil if there is none.
func (r *reign) virtual(path string) *pyxiswire.Node {
	if !strings.HasPrefix(path, pyxiswire.Reserved) {
		return nil
	}
	directory := func(children ...string) *pyxiswire.Node {
		return &pyxiswire.Node{Children: children, Flags: proto.Uint32(0), Version: proto.Uint64(0)}
	}
	file := func(data []byte) *pyxiswire.Node {
		return &pyxiswire.Node{Data: data, Flags: proto.Uint32(0), Version: proto.Uint64(0)}
	}
	c := r.node.c
	switch path {
	case pyxiswire.Reserved, pyxiswire.Reserved + "/":
		return directory("cluster", "db", "eventlog", "session", "snapshot")
	case virtualCluster:
		return directory("leader", "addrlist")
	case virtualLeader:
		return file([]byte(c.advertised(r.node.index)))
	case virtualAddrs:
		addrs := make([]string, len(c.nodes))
		for i := range addrs {
			addrs[i] = c.advertised(i)
		}
		return file([]byte(strings.Join(addrs, ",")))
	case virtualDB, virtualEventLog, virtualSnapshot:
		return file(nil)
	case virtualSession:
		var sids []string
		for _, sid := range slices.Sorted(maps.Keys(r.live)) {
			sids = append(sids, strconv.FormatUint(sid, 10))
		}
		return directory(sids...)
	}
	if text, ok := strings.CutPrefix(path, virtualSession+"/"); ok {
		if sid, err := strconv.ParseUint(text, 10, 64); err == nil && r.live[sid] != nil {
			return file(r.describe(r.live[sid]))
		}
	}
	return nil
}

// writeVirtual returns the result of a write to a virtual node.
func writeVirtual(path string) *Error {
	if path == virtualEventLog || path == virtualSnapshot {
		return nil
	}
	return failure(CodeInternal, path+" can't be written")
}

// describe returns a session as JSON with a trailing newline.
func (r *reign) describe(s *liveSession) []byte {
	type described struct {
		Path      string `json:"path"`
		Recursive bool   `json:"recursive"`
		Type      uint32 `json:"type"`
	}
	var set []described
	for _, w := range r.watches.of(s.sid) {
		set = append(set, described{w.Path, w.Recursive, w.Mask})
	}
	stored := r.st.sessions[s.sid]
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// Encode cannot fail for texts and numbers.
	_ = enc.Encode(struct {
		Join    int64       `json:"join"`
		Last    int64       `json:"last"`
		Node    []string    `json:"node,omitempty"`
		Sid     string      `json:"sid"`
		Timeout int64       `json:"timeout"`
		Watch   []described `json:"watch,omitempty"`
	}{
		Join:    stored.joined.Unix(),
		Last:    s.last.Unix(),
		Node:    stored.paths(),
		Sid:     strconv.FormatUint(s.sid, 10),
		Timeout: s.timeout.Milliseconds(),
		Watch:   set,
	})
	return buf.Bytes()
}
