package pyxiswire

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

const vectorSid = 45599123761135620 // 0xa2002955da0004

// vectors are the messages of the frames in testdata/vectors.txt, by name.
var vectors = map[string]proto.Message{
	"empty":    &Request{},
	"register": &Request{Xid: proto.Uint64(7), Register: &RegisterRequest{Timeout: proto.Int32(5000)}},
	"register-sid": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(0),
		Register: &RegisterRequest{Timeout: proto.Int32(5000)}},
	"ping":       &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(1), Ping: &PingRequest{}},
	"unregister": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(2), Unregister: &UnRegisterRequest{}},
	"create": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(3),
		Create: &CreateRequest{Path: proto.String("/frame"), Flags: proto.Int32(0), Data: []byte("v")}},
	"create-ephemeral": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(4),
		Create: &CreateRequest{Path: proto.String("/e"), Flags: proto.Int32(FlagEphemeral)}},
	"delete": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(5), Delete: &DeleteRequest{Path: proto.String("/frame")}},
	"write": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(6),
		Write: &WriteRequest{Path: proto.String("/frame"), Data: []byte("w")}},
	"read": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(7), Read: &ReadRequest{Path: proto.String("/frame")}},
	"stat-watch": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(8), Stat: &StatRequest{Path: proto.String("/frame")},
		Watch: &WatchRequest{Path: proto.String("/frame"), Watch: proto.Uint32(0xff), Recursive: proto.Bool(true)}},
	"watch": &Request{Sid: proto.Uint64(vectorSid), Xid: proto.Uint64(9),
		Watch: &WatchRequest{Path: proto.String("/"), Watch: proto.Uint32(EventChildren), Recursive: proto.Bool(false)}},

	"registered": &Response{Xid: proto.Uint64(7), Sid: proto.Uint64(vectorSid)},
	"ok":         &Response{Xid: proto.Uint64(2)},
	"not-found":  &Response{Xid: proto.Uint64(9), Err: &Error{Type: ErrorType_NOT_FOUND.Enum(), Data: []byte("/frame")}},
	"session-expired": &Response{Xid: proto.Uint64(0),
		Err: &Error{Type: ErrorType_SESSION_EXPIRED.Enum(), Data: []byte("session expired")}},
	"register-expired": &Response{Xid: proto.Uint64(1), Err: &Error{Type: ErrorType_SESSION_EXPIRED.Enum()}},
	"not-leader": &Response{Xid: proto.Uint64(1),
		Err: &Error{Type: ErrorType_NOT_LEADER.Enum(), Data: []byte("127.0.0.1:17101")}},
	"event": &Response{Xid: proto.Uint64(6), Path: proto.String("/frame"),
		Watch: &WatchEvent{Path: proto.String("/frame"), Type: proto.Uint32(EventModify)}},
	"stat-answer": &Response{Xid: proto.Uint64(3), Data: unhex("12017620002800308480e8ae95858051")},
	"read-answer": &Response{Xid: proto.Uint64(4), Data: []byte("v")},
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

type vector struct {
	direction, name string
	frame           []byte
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Fields(line)
		all = append(all, vector{f[0], f[1], unhex(f[2])})
	}
	return all
}

func TestVectorsBothWays(t *testing.T) {
	seen := 0
	for _, v := range readVectors(t) {
		want, ok := vectors[v.name]
		if !ok {
			t.Errorf("vector %s has no message", v.name)
			continue
		}
		seen++
		frame, err := AppendFrame(nil, want)
		if err != nil || !bytes.Equal(frame, v.frame) {
			t.Errorf("%s: encoded %x, %v, want %x", v.name, frame, err, v.frame)
		}
		payload, err := NewReader(bytes.NewReader(v.frame), 0).Next()
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		var got proto.Message
		if v.direction == "request" {
			got, err = DecodeRequest(payload)
		} else {
			got, err = DecodeResponse(payload)
		}
		if err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: decoded %v, %v, want %v", v.name, got, err, want)
		}
	}
	if seen != len(vectors) {
		t.Errorf("saw %d vectors, want %d", seen, len(vectors))
	}
}

func TestNodeBothWays(t *testing.T) {
	for text, want := range map[string]*Node{
		"12017620002800308480e8ae95858051": {Data: []byte("v"), Flags: proto.Uint32(0), Version: proto.Uint64(0), Sid: proto.Uint64(vectorSid)},
		"12001a05707978697320002805":       {Data: []byte{}, Children: []string{"pyxis"}, Flags: proto.Uint32(0), Version: proto.Uint64(5)},
	} {
		b, err := proto.Marshal(want)
		if err != nil || !bytes.Equal(b, unhex(text)) {
			t.Errorf("encoded %x, %v, want %s", b, err, text)
		}
		got := new(Node)
		if err := proto.Unmarshal(unhex(text), got); err != nil || !proto.Equal(got, want) {
			t.Errorf("decoded %v, %v, want %v", got, err, want)
		}
	}
}
