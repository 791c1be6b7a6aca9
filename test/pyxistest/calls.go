package pyxistest

import (
	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// call is a request that waits for its answer. A nil call is one that nobody
// waits for.
type call struct {
	conn   *conn
	xid    uint64
	effect *Effect // nil for an ordinary answer
}

// reply answers the request: with its xid, 0 if it had none.
func (k *call) reply(resp *pyxiswire.Response) {
	if k == nil {
		return
	}
	resp.Xid = proto.Uint64(k.xid)
	if k.effect == nil {
		k.conn.send(outgoing{resp: resp})
		return
	}
	k.effect.reply(k.conn, resp)
}

func (k *call) fail(err *Error) { k.reply(err.response()) }

// finish answers an operation that returns nothing.
func (k *call) finish(err *Error) {
	if err != nil {
		k.fail(err)
		return
	}
	k.reply(&pyxiswire.Response{})
}

// answer answers an operation that returns data, which is there even when it is
// empty.
func (k *call) answer(data []byte, err *Error) {
	if err != nil {
		k.fail(err)
		return
	}
	if data == nil {
		data = []byte{}
	}
	k.reply(&pyxiswire.Response{Data: data})
}
