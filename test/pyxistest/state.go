package pyxistest

import (
	"maps"
	"slices"
	"time"
)

// state is what the nodes agree on and what outlives a leader.
type state struct {
	tree     tree
	sessions map[uint64]*session
	nextSid  uint64
}

// session is the part of a session that is agreed on.
type session struct {
	timeout time.Duration // as of its creation
	joined  time.Time
	// ephemerals are the paths it created. One that somebody else deletes stays.
	ephemerals map[string]struct{}
}

func newState(firstSid uint64) *state {
	return &state{tree: newTree(), sessions: make(map[uint64]*session), nextSid: firstSid}
}

// startingSid is the first sid of a server that starts at a time.
func startingSid(now time.Time) uint64 { return uint64(now.UnixMilli()) % (1 << 40) << 16 }

func (s *state) clone() *state {
	c := &state{tree: s.tree.clone(), sessions: make(map[uint64]*session), nextSid: s.nextSid}
	for sid, old := range s.sessions {
		twin := *old
		twin.ephemerals = maps.Clone(old.ephemerals)
		c.sessions[sid] = &twin
	}
	return c
}

// addSession makes a session and returns its sid.
func (s *state) addSession(timeout time.Duration, now time.Time) uint64 {
	sid := s.nextSid
	s.nextSid++
	s.sessions[sid] = &session{timeout: timeout, joined: now, ephemerals: make(map[string]struct{})}
	return sid
}

// paths returns the session's ephemerals in the order they are deleted in at
// its end.
func (s *session) paths() []string { return slices.Sorted(maps.Keys(s.ephemerals)) }
