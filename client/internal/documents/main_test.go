package documents

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// IDs in the items of the tests.
const (
	textA    = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	textB    = "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay"
	textPeer = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"

	statusA = `{"cid":"` + textA + `","peer_map":{"` + textPeer + `":{"status":"pinned"}}}`
	statusB = `{"cid":"` + textB + `","peer_map":{"` + textPeer + `":{"status":"pinned"}}}`
)
