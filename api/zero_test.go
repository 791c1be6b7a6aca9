package api_test

import (
	"testing"

	. "github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/testenv"
)

// E14: zero values can be printed, logged and encoded.
func TestZeroValuesArePrintable(t *testing.T) {
	testenv.Print(t,
		AddParams{}, &AddParams{}, AddedOutput{}, &AddedOutput{}, Alert{}, &Alert{}, Bandwidth{}, BandwidthByProtocol(nil), Cid{}, &Cid{},
		ConnectGraph{}, &ConnectGraph{}, Error{}, &Error{}, GlobalPinInfo{}, &GlobalPinInfo{}, GlobalRepoGC{}, &GlobalRepoGC{}, ID{}, &ID{},
		IPFSAddParams{}, IPFSID{}, IPFSPinInfo{}, IPFSPinStatus(0), IPFSPinStatus(-1), IPFSRepoGC{}, IPFSRepoStat{}, Metric{}, &Metric{},
		MetricSlice(nil), MetricsSet(nil), Multiaddr(""), NodeWithMeta{}, PeerAddBody{}, Pin{}, &Pin{}, PinDepth(-2), PinInfo{}, &PinInfo{},
		PinInfoShort{}, &PinInfoShort{}, PinMode(0), PinMode(-1), PinOptions{}, &PinOptions{}, PinPath{}, &PinPath{}, PinType(0), PinType(1<<63),
		RepoGC{}, &RepoGC{}, Token{}, TrackerStatus(0), TrackerStatus(-1), Version{}, &Version{},
	)
}
