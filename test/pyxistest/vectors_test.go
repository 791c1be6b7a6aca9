package pyxistest_test

import (
	"encoding/hex"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// vectorSid is the session of the frames below, which were exchanged with a
// real server.
const vectorSid = 45599123761135620

const (
	reqEmpty        = "0000000870797869048801cb"
	reqRegister     = "0000000f7079786910072a0308882713dc02c6"
	reqRegisterSid  = "0000001870797869088480e8ae9585805110002a0308882759a2074c"
	reqPing         = "0000001570797869088480e8ae9585805110013a0044b406a3"
	reqUnregister   = "0000001570797869088480e8ae958580511002320044a7069c"
	reqCreate       = "0000002270797869088480e8ae958580511003420d0a062f6672616d6510001a0176b08d09a5"
	reqCreateEph    = "0000001b70797869088480e8ae95858051100442060a022f6510016f5d0765"
	reqDelete       = "0000001d70797869088480e8ae9585805110054a080a062f6672616d65829c0909"
	reqWrite        = "0000002070797869088480e8ae958580511006520b0a062f6672616d651201779f00099f"
	reqRead         = "0000001d70797869088480e8ae9585805110075a080a062f6672616d658352091b"
	reqStatWatch    = "0000002c70797869088480e8ae95858051100862080a062f6672616d656a0d0a062f6672616d6510ff0118012b720d0e"
	reqWatch        = "0000001c70797869088480e8ae9585805110096a070a012f100818007720074c"
	respRegistered  = "00000013707978690807288480e8ae958580512ff10687"
	respOK          = "0000000a707978690802083001d5"
	respNotFound    = "00000016707978690809120a080212062f6672616d65282b0454"
	respExpired     = "0000001f70797869080012130804120f73657373696f6e20657870697265646595083a"
	respRegExpired  = "0000000e707978690801120208040fe101f4"
	respNotLeader   = "0000001f70797869080112130801120f3132372e302e302e313a31373130314b87050c"
	respEvent       = "0000001e707978690806220a0a062f6672616d65100432062f6672616d6558ee06d5"
	respStat        = "0000001c7079786908031a1012017620002800308480e8ae958580514e760786"
	respRead        = "0000000d7079786908041a01760e7d0268"
	nodeOfTheRoot   = "12001a05707978697320002805"
	vectorAdvertise = "127.0.0.1:17101"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// request returns the hex of a request for which there is no vector.
func request(t *testing.T, xid uint64, req *pyxiswire.Request) string {
	t.Helper()
	req.Sid, req.Xid = proto.Uint64(vectorSid), proto.Uint64(xid)
	return frameOf(t, req)
}

// plain returns the hex of an empty answer.
func plain(t *testing.T, xid uint64) string {
	t.Helper()
	return frameOf(t, &pyxiswire.Response{Xid: proto.Uint64(xid)})
}

func frameOf(t *testing.T, m proto.Message) string {
	t.Helper()
	raw, err := pyxiswire.AppendFrame(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}

func TestVectorsByteForByte(t *testing.T) {
	c := pyxistest.New(t, pyxistest.Options{
		Nodes: 2, FirstSid: vectorSid, Advertise: []string{vectorAdvertise},
	})
	type step struct{ send, want string }
	replay := func(name string, node int, steps []step) {
		cl := dial(t, c, node)
		for i, s := range steps {
			cl.write(unhex(t, s.send))
			want := unhex(t, s.want)
			got := make([]byte, len(want))
			_ = cl.nc.SetReadDeadline(time.Now().Add(hang))
			n, err := io.ReadFull(cl.nc, got)
			if string(got) != string(want) {
				t.Fatalf("%s, step %d: got %x, %v, want %x", name, i, got[:n], err, want)
			}
		}
	}
	replay("leader", 0, []step{
		{reqEmpty, respExpired}, // the answer has xid 0, because the request has none
		{reqRegister, respRegistered},
		{reqRegisterSid, frameOf(t, &pyxiswire.Response{Xid: proto.Uint64(0), Sid: proto.Uint64(vectorSid)})},
		{reqPing, ""}, // held
		{reqCreate, plain(t, 3)},
		{reqCreateEph, plain(t, 4)},
		{request(t, 3, stat("/frame")), respStat},
		{reqRead, frameOf(t, &pyxiswire.Response{Xid: proto.Uint64(7), Data: []byte("v")})},
		{request(t, 4, read("/frame")), respRead},
		{reqStatWatch, frameOf(t, &pyxiswire.Response{
			Xid: proto.Uint64(8), Data: unhex(t, "12017620002800308480e8ae95858051"),
		})},
		{reqWatch, plain(t, 9)},
		{request(t, 6, ping()), plain(t, 1)}, // displaces the held ping
		{reqWrite, respEvent + plain(t, 6)},  // the answer to the ping comes first
		{request(t, 10, ping()), ""},         // held
		{reqDelete, frameOf(t, rootEvent(10)) + plain(t, 5)},
		{request(t, 9, stat("/frame")), respNotFound},
		{reqUnregister, respOK},
		{reqPing, frameOf(t, &pyxiswire.Response{
			Xid: proto.Uint64(1), Err: &pyxiswire.Error{Type: pyxiswire.ErrorType_SESSION_EXPIRED.Enum(), Data: []byte("session expired")},
		})},
		{request(t, 1, registerRequest(5*time.Second)), respRegExpired},
	})
	replay("follower", 1, []step{{reqPing, respNotLeader}})
	if _, ok := c.Get("/e"); ok {
		t.Error("the ephemeral node outlived its session")
	}
}

func rootEvent(xid uint64) *pyxiswire.Response {
	return &pyxiswire.Response{
		Xid:   proto.Uint64(xid),
		Watch: &pyxiswire.WatchEvent{Path: proto.String("/"), Type: proto.Uint32(pyxistest.EventChildren)},
		Path:  proto.String("/"),
	}
}

func TestRootAfterFiveWritesIsTheVector(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for range 5 {
			cl.ok(write("/", ""))
		}
		if got := hex.EncodeToString(cl.ok(stat("/")).GetData()); got != nodeOfTheRoot {
			t.Errorf("root is %s, want %s", got, nodeOfTheRoot)
		}
	})
}
