package pyxistest

import (
	"maps"
	"slices"
	"time"
)

// state is the replicated state. It outlives a leader.
type state struct {
	tree     tree
	sessions map[uint64]*session
	nextSid  uint64
}

// session is the replicated part of a session.
type session struct {
	timeout time.Duration // at its creation
	joined  time.Time
	// ephemerals are the paths that the session created and did not itself delete.
	ephemerals map[string]struct{}
}

func newState(firstSid uint64) *state {
	return &state{tree: newTree(), sessions: make(map[uint64]*session), nextSid: firstSid}
}

// startingSid returns the first sid of a server that starts at now.
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

// addSession creates a session and returns its sid.
func (s *state) addSession(timeout time.Duration, now time.Time) uint64 {
	sid := s.nextSid
	s.nextSid++
	s.sessions[sid] = &session{timeout: timeout, joined: now, ephemerals: make(map[string]struct{})}
	return sid
}

// paths returns the session's ephemerals in the order in which its end deletes them.
func (s *session) paths() []string { return slices.Sorted(maps.Keys(s.ephemerals)) }
