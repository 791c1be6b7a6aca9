package doctor

import (
	"cmp"
	"slices"
)

// Severity says how bad a Finding is.
type Severity string

// The severities.
const (
	// Error: calls fail, or data is not as safe as it should be.
	Error Severity = "error"
	// Warning: nothing fails yet, or only some programs are affected.
	Warning Severity = "warning"
)

// ID names a kind of problem. IDs are stable, so that scripts can compare them.
type ID string

// The kinds of problems, by the check that finds them.
const (
	Settings ID = "settings" // the settings of an endpoint are not valid

	NameUnknown ID = "name-unknown"      // the host name has no address
	Refused     ID = "refused"           // nothing listens at the address
	Unreachable ID = "unreachable"       // there is no connection for another reason
	NoAnswer    ID = "no-answer"         // a request got no answer in time
	Interrupted ID = "interrupted"       // the connection was cut before the answer was complete
	ThisMachine ID = "this-machine"      // this machine cannot connect to any endpoint
	NotTheAPI   ID = "not-the-api"       // another kind of server answers
	Redirected  ID = "redirected"        // the server names another address
	GatewayDown ID = "peer-behind-proxy" // a proxy answers that it cannot reach the peer
	Overloaded  ID = "overloaded"        // a rate limit, or a server that refuses requests for now
	PeerError   ID = "peer-error"        // the peer answers a simple read with an error

	TLSExpired     ID = "tls-expired"      // the certificate has expired, or is not valid yet
	TLSExpiresSoon ID = "tls-expires-soon" // the certificate will expire soon
	TLSName        ID = "tls-name"         // the certificate is for another name
	TLSAuthority   ID = "tls-authority"    // the certificate is signed by an unknown authority
	TLSNotSpoken   ID = "tls-not-spoken"   // the server speaks plain HTTP
	TLSRequired    ID = "tls-required"     // the server speaks TLS, and the address does not say so
	TLSOther       ID = "tls"              // any other failed handshake

	CredentialsMissing ID = "credentials-missing" // the endpoint asks for credentials
	CredentialsRefused ID = "credentials-refused" // the endpoint does not accept the credentials

	VersionsDiffer    ID = "versions-differ"    // peers run different versions
	ClockOff          ID = "clock"              // an endpoint's clock differs from this machine's
	ClockHere         ID = "clock-here"         // this machine's clock differs from that of all endpoints
	SamePeer          ID = "same-peer"          // two endpoints are the same peer
	DifferentClusters ID = "different-clusters" // endpoints belong to different clusters
	MemberUnreachable ID = "member-unreachable" // an endpoint cannot reach a member of the cluster
	PeersApart        ID = "peers-apart"        // two running peers are not connected
	MetricsMissing    ID = "metrics-missing"    // the metrics of a member do not arrive
	IPFSDown          ID = "ipfs-down"          // a peer's IPFS daemon does not answer
	DiskLow           ID = "disk-low"           // a peer has little space left
	PinsInError       ID = "pins-in-error"      // pins have failed at some peers
	PinsUnknown       ID = "pins-unknown"       // the status of the pins could not be listed

	TrailersDropped ID = "trailers-dropped"      // a proxy removes the trailers of listings
	HalfDuplex      ID = "proxy-not-full-duplex" // a proxy loses parts of streamed uploads
	UploadsDamaged  ID = "uploads-damaged"       // what is stored is not what was sent
	UploadsRefused  ID = "uploads-refused"       // an add fails
	ProbeLeft       ID = "probe-left"            // the file of the upload check is still pinned
)

// Finding describes one problem.
type Finding struct {
	ID       ID       `json:"id"`
	Severity Severity `json:"severity"`
	// Endpoint is the endpoint that has the problem, or empty if the problem is not one
	// of a single endpoint.
	Endpoint string `json:"endpoint,omitempty"`
	What     string `json:"what"` // what is wrong
	Why      string `json:"why"`  // why it matters
	Do       string `json:"do"`   // what to do about it
}

// sorted returns findings with the errors first, in the order of the endpoints. Those
// that are not about a single endpoint follow.
func sorted(findings []Finding, endpoints []string) []Finding {
	at := func(f Finding) int {
		if i := slices.Index(endpoints, f.Endpoint); i >= 0 {
			return i
		}
		return len(endpoints)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(at(a), at(b)))
	})
	return findings
}
