package pyxis_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis"
)

const vectorSid = 45599123761135620

// vectors reads the frames recorded from the real server, by name.
func vectors(t *testing.T) map[string][]byte {
	text, err := os.ReadFile("../internal/pyxiswire/testdata/vectors.txt")
	must(t, err)
	frames := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			frames[f[1]], err = hex.DecodeString(f[2])
			must(t, err)
		}
	}
	return frames
}

// replay is a scripted server that compares the client's frames with the
// recorded ones.
type replay struct {
	*rawConn
	frames map[string][]byte
}

// expect waits for a request and compares its frame, except for the request
// number, with the vector of that name.
func (r *replay) expect(name string, wanted func(*pyxiswire.Request) bool) rawRequest {
	r.t.Helper()
	got := r.await(wanted)
	payload, err := pyxiswire.NewReader(bytes.NewReader(r.frames[name]), 0).Next()
	must(r.t, err)
	m, err := pyxiswire.DecodeRequest(payload)
	must(r.t, err)
	m.Xid = got.Xid
	want, err := pyxiswire.AppendFrame(nil, m)
	must(r.t, err)
	have, err := pyxiswire.AppendFrame(nil, got.Request)
	must(r.t, err)
	if !bytes.Equal(have, want) || !bytes.Equal(have[8:len(have)-4], got.payload) {
		r.t.Errorf("%s: sent %x, want %x", name, have, want)
	}
	return got
}

// reply sends the vector of that name with the number of the request.
func (r *replay) reply(to rawRequest, name string) {
	r.t.Helper()
	payload, err := pyxiswire.NewReader(bytes.NewReader(r.frames[name]), 0).Next()
	must(r.t, err)
	m, err := pyxiswire.DecodeResponse(payload)
	must(r.t, err)
	m.Xid = to.Xid
	frame, err := pyxiswire.AppendFrame(nil, m)
	must(r.t, err)
	_, err = r.nc.Write(frame)
	must(r.t, err)
}

// async runs f in the background. The returned function waits for its error.
func async(f func() error) func() error {
	out := make(chan error, 1)
	go func() { out <- f() }()
	return func() error { return <-out }
}

func TestVectorsAgainstTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, events := s.client(pyxis.Options{})
		r := &replay{s.accept(), vectors(t)}

		// The first register has no session, and the answer contains one.
		m := r.expect("register", isRegister)
		r.reply(m, "registered")
		sid, err := c.Sid()
		must(t, err)
		if sid != vectorSid {
			t.Errorf("session %d, want %d", sid, uint64(vectorSid))
		}
		events.expect(t, "Connected")
		ping := r.expect("ping", isPing)

		done := async(func() error { return c.Create(nil, "/frame", []byte("v")) })
		r.reply(r.expect("create", isCreate), "ok")
		must(t, done())

		done = async(func() error { return c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/e", nil) })
		r.reply(r.expect("create-ephemeral", isCreate), "ok")
		must(t, done())

		done = async(func() error { return c.Write(nil, "/frame", []byte("w")) })
		r.reply(r.expect("write", isWrite), "ok")
		must(t, done())

		w := newRecorder()
		w.Recursive = true
		done = async(func() error {
			n, err := c.Read(nil, "/frame", &w.Watcher)
			if err == nil && (string(n.Data) != "v" || n.Owner != vectorSid || n.Version != 0 || n.Flags != 0) {
				t.Errorf("node %+v", n)
			}
			return err
		})
		r.reply(r.expect("stat-watch", isStat), "stat-answer")
		must(t, done())

		r.reply(ping, "event")
		w.expect(t, "Modify /frame")
		ping = r.expect("ping", isPing)

		done = async(func() error { return c.Delete(nil, "/frame") })
		r.reply(r.expect("delete", isDelete), "not-found")
		err = done()
		mustBe(t, err, pyxis.ErrNotFound)
		if e, ok := err.(*pyxis.Error); !ok || e.Code != 2 || e.Text != "/frame" || e.Op != "delete" || e.Path != "/frame" {
			t.Errorf("error %#v", err)
		}

		// The leader has moved: the client goes there with its session ...
		r.reply(ping, "not-leader")
		r.rawConn = s.accept()
		events.expect(t, "Disconnected")
		m = r.expect("register-sid", isRegister)
		// ... which has ended. The client registers anew on the same connection.
		r.reply(m, "register-expired")
		m = r.expect("register", isRegister)
		events.expect(t, "SessionExpired")
		r.reply(m, "registered")
		events.expect(t, "Connected")

		// A call in a session that has ended.
		done = async(func() error { return c.Delete(nil, "/frame") })
		r.reply(r.expect("delete", isDelete), "session-expired")
		err = done()
		mustBe(t, err, pyxis.ErrSessionExpired)
		if !mentions(err, `"session expired"`) {
			t.Errorf("error without the server's text: %v", err)
		}
		r.reply(r.expect("register", isRegister), "registered")
		events.expect(t, "SessionExpired", "Connected")

		done = async(c.Close)
		r.reply(r.expect("unregister", isUnregister), "ok")
		must(t, done())
	})
}

func TestNodesOfTheVectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRawServer(t)
		c, _ := s.client(pyxis.Options{})
		r := s.accept()
		r.register(1)
		done := async(func() error {
			n, err := c.Read(nil, "/", nil)
			if err == nil && (n.Data == nil || len(n.Data) != 0 || n.Version != 5 || n.Owner != 0 || len(n.Children) != 1 || n.Children[0] != "pyxis") {
				t.Errorf("/ is %+v", n)
			}
			return err
		})
		data, _ := hex.DecodeString("12001a05707978697320002805")
		r.answer(r.await(isStat), &pyxiswire.Response{Data: data})
		must(t, done())

		// The answer to a read contains only the data, even if empty. The client uses
		// a read for the session timeout and ignores an answer that it cannot use.
		m := r.await(func(m *pyxiswire.Request) bool { return m.Read != nil })
		if m.Read.GetPath() != "/pyxis/session/1" {
			t.Errorf("read of %s", m.Read.GetPath())
		}
		payload, err := pyxiswire.NewReader(bytes.NewReader(vectors(t)["read-answer"]), 0).Next()
		must(t, err)
		a := new(pyxiswire.Response)
		must(t, proto.Unmarshal(payload, a))
		r.answer(m, a)
		must(t, async(func() error { _, err := c.Sid(); return err })())
		r.nc.Close()
	})
}
