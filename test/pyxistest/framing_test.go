package pyxistest_test

import (
	"encoding/binary"
	"hash/adler32"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// frame returns a frame with the given magic and payload and a valid checksum.
func frame(magic string, payload []byte) []byte {
	raw := binary.BigEndian.AppendUint32(nil, uint32(len(magic)+len(payload)+4))
	raw = append(append(raw, magic...), payload...)
	return binary.BigEndian.AppendUint32(raw, adler32.Checksum(raw[4:]))
}

func TestBadFramesEndTheStreamWithoutAnAnswer(t *testing.T) {
	good := frame("pyxi", []byte{0x3a, 0})
	badSum := frame("pyxi", []byte{0x3a, 0})
	badSum[len(badSum)-1]++
	twelve := func(length uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, length), "pyxi0000"...)
	}
	for name, raw := range map[string][]byte{
		"checksum":             badSum,
		"magic":                frame("pyxj", []byte{0x3a, 0}),
		"length 0":             twelve(0),
		"length 7":             twelve(7),
		"length over 64 MiB":   twelve(64<<20 + 1),
		"negative length":      twelve(1 << 31),
		"length 4 GiB":         twelve(1<<32 - 1),
		"undecodable payload":  frame("pyxi", []byte{0x08}),
		"create without flags": frame("pyxi", []byte{0x42, 0x04, 0x0a, 0x02, '/', 'a'}),
		"write without data":   frame("pyxi", []byte{0x52, 0x04, 0x0a, 0x02, '/', 'a'}),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
				cl := join(t, c, 0)
				cl.write(raw)
				if resp, err := cl.receive(); err != io.EOF {
					t.Errorf("came %v, %v, want the end of the stream", resp, err)
				}
				if n := c.Count(pyxistest.AllOps); n != 1 {
					t.Errorf("served %d requests, want only the register", n)
				}
			})
		})
	}
	// A valid frame is answered, so the errors above have the intended causes.
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		cl.write(good)
		cl.failed(cl.next(), pyxistest.CodeSessionExpired, "session expired")
	})
}

func TestLengthIsJudgedWhenTwelveBytesAreThere(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		cl.write([]byte{0, 0, 0, 7})
		cl.quiet(time.Minute)
		cl.write([]byte("pyxi000"))
		cl.quiet(time.Minute)
		cl.write([]byte("0"))
		cl.closed()
	})
}

func TestQueuedAnswersGoOutBeforeTheEnd(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		good := cl.frame(create("/a", "1"))
		cl.write(append(good, "not a frame at all"...))
		cl.empty(cl.next())
		cl.closed()
		if _, ok := c.Get("/a"); !ok {
			t.Error("the request before the bad frame was not applied")
		}
	})
}

func TestRequestsBehindABadFrameAreIgnored(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.write(append(frame("pyxj", nil), cl.frame(create("/a", "1"))...))
		cl.closed()
		cl.write(cl.frame(create("/b", "1")))
		time.Sleep(time.Second)
		if len(c.Tree()) != 1 {
			t.Errorf("tree %v, want only the root", c.Tree())
		}
	})
}

func TestSmallestAndLargestFrame(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := dial(t, c, 0)
		cl.write(frame("pyxi", nil))
		cl.failed(cl.next(), pyxistest.CodeSessionExpired, "session expired")

		// The padding is an unknown field.
		fill := pyxiswire.MaxLength - 8 - 6
		payload := append([]byte{0xa2, 0x06}, 0, 0, 0, 0)
		for i := range 3 {
			payload[2+i] = byte(fill>>(7*i)) | 0x80
		}
		payload[5] = byte(fill >> 21)
		cl.write(frame("pyxi", append(payload, make([]byte, fill)...)))
		cl.failed(cl.next(), pyxistest.CodeSessionExpired, "session expired")
	})
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		payload, err := proto.Marshal(&pyxiswire.Request{
			Sid: proto.Uint64(cl.sid), Stat: &pyxiswire.StatRequest{Path: proto.String("/")},
		})
		if err != nil {
			t.Fatal(err)
		}
		cl.write(frame("pyxi", append(payload, 0x18, 5, 0x22, 1, 'x', 0xa2, 0x06, 1, 'y'))) // fields 3, 4 and 100
		if resp := cl.next(); resp.Err != nil || resp.Data == nil {
			t.Errorf("answer %v", resp)
		}
	})
}

func TestFramesMayBeSplitAndJoined(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		cl.sendAll(create("/a", "1"), create("/b", "2"), write("/a", "3"))
		for range 3 {
			cl.empty(cl.next())
		}
		for _, b := range cl.frame(read("/a")) {
			cl.write([]byte{b})
			time.Sleep(50 * time.Millisecond)
		}
		if resp := cl.next(); string(resp.GetData()) != "3" {
			t.Errorf("answer %v", resp)
		}
	})
}

func TestXidIsEchoed(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		cl := join(t, c, 0)
		for _, xid := range []uint64{0, 5, 5, 1<<64 - 1} { // also twice
			req := read("/")
			req.Xid = proto.Uint64(xid)
			cl.send(req)
			if resp := cl.next(); resp.Xid == nil || resp.GetXid() != xid {
				t.Errorf("answer %v, want xid %d", resp, xid)
			}
		}
		cl.write(frame("pyxi", nil))
		if resp := cl.next(); resp.Xid == nil || resp.GetXid() != 0 {
			t.Errorf("answer %v to a request without an xid, want xid 0", resp)
		}
	})
}

func TestNothingIsSentUnasked(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, c *pyxistest.Cluster) {
		dial(t, c, 0).quiet(time.Hour)
	})
}
