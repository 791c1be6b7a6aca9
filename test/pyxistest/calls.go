package pyxistest

import (
	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// call is a request and its pending answer. Answering a nil call does nothing.
type call struct {
	conn   *conn
	xid    uint64
	effect *Effect // nil for a normal answer
}

// reply sends the answer with the request's xid, or 0 if it had none.
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

// finish answers an operation that returns no data.
func (k *call) finish(err *Error) {
	if err != nil {
		k.fail(err)
		return
	}
	k.reply(&pyxiswire.Response{})
}

// answer answers an operation that returns data. Empty data is present in the
// answer, not omitted.
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
