package wirejson

import "github.com/pinfleet/pinfleet/api"

var globalPinInfoKeys = []string{"cid", "name", "allocations", "origins", "created", "metadata", "peer_map"}

func (d *Decoder) globalPinInfo(g *api.GlobalPinInfo) {
	*g = api.GlobalPinInfo{}
	for o := d.object(globalPinInfoKeys); o.next(); {
		switch o.key {
		case "cid":
			g.Cid = d.cid()
		case "name":
			g.Name = d.text()
		case "allocations":
			g.Allocations = d.peerIDs()
		case "origins":
			g.Origins = d.multiaddrs()
		case "created":
			g.Created = d.timestamp()
		case "metadata":
			g.Metadata = d.metadata()
		case "peer_map":
			g.PeerMap = d.peerMap()
		}
	}
}

func (d *Decoder) peerMap() map[string]api.PinInfoShort {
	if d.null() {
		return nil
	}
	m := make(map[string]api.PinInfoShort, d.reports)
	n := 0
	for more := d.open('{', '}'); more; more = d.more('}') {
		key := d.member()
		m[key] = d.pinInfoShort()
		n++
	}
	if n != len(m) {
		d.fail() // duplicate key
	}
	d.reports = min(n, maxRoom)
	return m
}

var pinInfoShortKeys = []string{
	"peername", "ipfs_peer_id", "ipfs_peer_addresses", "status", "timestamp", "error", "attempt_count", "priority_pin",
}

func (d *Decoder) pinInfoShort() (s api.PinInfoShort) {
	if d.null() {
		return s
	}
	for o := d.object(pinInfoShortKeys); o.next(); {
		switch o.key {
		case "peername":
			s.PeerName = d.shared()
		case "ipfs_peer_id":
			s.IPFS = d.peerID()
		case "ipfs_peer_addresses":
			s.IPFSAddresses = d.multiaddrs()
		case "status":
			st := remember(&d.cursor, &d.statuses, parseStatus)
			s.Status, s.UnknownStatus = st.known, st.unknown
		case "timestamp":
			s.TS = d.timestamp()
		case "error":
			s.Error = d.text()
		case "attempt_count":
			s.AttemptCount = d.int()
		case "priority_pin":
			s.PriorityPin = d.boolean()
		}
	}
	return s
}

// status is the meaning of a status text, as in api.PinInfoShort.
type status struct {
	known   api.TrackerStatus
	unknown string
}

func parseStatus(text string) status {
	s := status{known: api.TrackerStatusFromString(text)}
	if s.known == api.TrackerStatusUndefined && text != s.known.String() {
		s.unknown = text
	}
	return s
}
