package api

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/mr-tron/base58"
)

// Bounds of a peer ID in a document, because decoding base58 takes quadratic time.
// Real peer IDs have 46 to 65 characters, and 34 to 38 bytes. The text of an ID of at
// most maxPeerBytes has at most maxPeerText characters.
const (
	maxPeerText  = 256
	maxPeerBytes = 128
)

// peerID is a peer.ID with the tolerant decoding that the package comment
// describes. JSON null leaves it empty.
type peerID peer.ID

// UnmarshalText decodes text with DecodePeerID. It never returns an error.
func (p *peerID) UnmarshalText(text []byte) error {
	*p = peerID(DecodePeerID(string(text)))
	return nil
}

// DecodePeerID decodes the text of a peer ID in a document as the package comment
// describes. It accepts any text, and returns the empty ID for text that is longer
// than any peer ID. Use peer.Decode to check a peer ID.
func DecodePeerID(text string) peer.ID {
	if text == "" || len(text) > maxPeerText {
		return ""
	}
	pid, err := peer.Decode(text)
	if err != nil {
		pid = peer.ID(text)
		if raw, err := base58.Decode(text); err == nil {
			pid = peer.ID(raw)
		}
	}
	if len(pid) > maxPeerBytes {
		return ""
	}
	return pid
}

// peerIDs is a list of peer IDs, each decoded like a peerID. JSON null decodes to
// nil.
type peerIDs []peerID

func (ps peerIDs) peers() []peer.ID {
	if ps == nil {
		return nil
	}
	out := make([]peer.ID, len(ps))
	for i, p := range ps {
		out[i] = peer.ID(p)
	}
	return out
}

// PeersToStrings returns the base58 text of each peer ID.
func PeersToStrings(peers []peer.ID) []string {
	texts := make([]string, len(peers))
	for i, p := range peers {
		texts[i] = p.String()
	}
	return texts
}

// StringsToPeers parses peer IDs and skips invalid ones.
func StringsToPeers(texts []string) []peer.ID {
	peers := make([]peer.ID, 0, len(texts))
	for _, text := range texts {
		if len(text) > maxPeerText {
			continue
		}
		if p, err := peer.Decode(text); err == nil {
			peers = append(peers, p)
		}
	}
	return peers
}
