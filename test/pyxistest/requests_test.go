package pyxistest_test

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

func registerRequest(timeout time.Duration) *pyxiswire.Request {
	return &pyxiswire.Request{Register: &pyxiswire.RegisterRequest{Timeout: proto.Int32(int32(timeout.Milliseconds()))}}
}

func unregister() *pyxiswire.Request {
	return &pyxiswire.Request{Unregister: &pyxiswire.UnRegisterRequest{}}
}

func ping() *pyxiswire.Request { return &pyxiswire.Request{Ping: &pyxiswire.PingRequest{}} }

func create(path, data string) *pyxiswire.Request {
	return &pyxiswire.Request{Create: &pyxiswire.CreateRequest{
		Path: proto.String(path), Flags: proto.Int32(0), Data: []byte(data),
	}}
}

func createEphemeral(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Create: &pyxiswire.CreateRequest{
		Path: proto.String(path), Flags: proto.Int32(pyxiswire.FlagEphemeral),
	}}
}

func deleteNode(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Delete: &pyxiswire.DeleteRequest{Path: proto.String(path)}}
}

func write(path, data string) *pyxiswire.Request {
	return &pyxiswire.Request{Write: &pyxiswire.WriteRequest{Path: proto.String(path), Data: []byte(data)}}
}

func read(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Read: &pyxiswire.ReadRequest{Path: proto.String(path)}}
}

func stat(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Stat: &pyxiswire.StatRequest{Path: proto.String(path)}}
}

func watch(path string, mask uint32, recursive bool) *pyxiswire.Request {
	return &pyxiswire.Request{Watch: &pyxiswire.WatchRequest{
		Path: proto.String(path), Watch: proto.Uint32(mask), Recursive: proto.Bool(recursive),
	}}
}

// both returns a request with the bodies of a and b.
func both(a, b *pyxiswire.Request) *pyxiswire.Request {
	joined := proto.Clone(a).(*pyxiswire.Request)
	proto.Merge(joined, b)
	return joined
}

// anything is the mask of all events.
const anything = 0xff
