package client

import "testing"

// Operations with comparable durations have the same kind.
func TestKinds(t *testing.T) {
	for op, want := range map[Op]OpKind{
		OpID: KindRead, OpVersion: KindRead, OpAllocation: KindRead, OpStatus: KindRead,
		OpPeers: KindListing, OpAllocations: KindListing, OpStatusAll: KindListing,
		OpStatusCids: KindListing, OpRecoverAll: KindListing, OpConnectGraph: KindListing,
		OpPin: KindWrite, OpPinPath: KindWrite, OpUnpin: KindWrite, OpUnpinPath: KindWrite,
		OpAdd: KindAdd, OpAddMultiFile: KindAdd,
		OpHealth: KindOther, OpRepoGC: KindOther, "Unheard": KindOther,
	} {
		if got := op.Kind(); got != want {
			t.Errorf("%s is of kind %s, want %s", op, got, want)
		}
	}
}
