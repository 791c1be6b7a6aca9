package pyxistest_test

import (
	"context"
	"encoding/hex"
	"io"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// FuzzHostileClient sends random bytes to a server. The server must answer only
// frames, end the connection after an invalid one, and continue to serve other
// clients. The bytes are also wrapped into frames, so that the fuzzer gets past
// the checksum.
func FuzzHostileClient(f *testing.F) {
	for _, text := range []string{
		reqEmpty, reqRegister, reqRegisterSid, reqPing, reqUnregister, reqCreate, reqCreateEph, reqDelete, reqWrite, reqRead,
		reqStatWatch, reqWatch, respEvent,
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw[8:len(raw)-4])
	}
	f.Add([]byte("\xff\xff\xff\xffpyxi0000"), []byte{0x42, 0})
	f.Fuzz(func(t *testing.T, raw, payload []byte) {
		c, err := pyxistest.Start(pyxistest.Options{Network: pyxistest.Memory, FirstSid: vectorSid, CommitDelay: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		victim := join(t, c, 0) // has the sid that the seeds use
		victim.ok(create("/frame", "v"))

		nc, err := c.DialContext(context.Background(), "tcp", c.Node(0).Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetDeadline(time.Now().Add(hang))
		go func() {
			_, _ = nc.Write(append(frame("pyxi", payload), raw...))
			_ = nc.(interface{ CloseWrite() error }).CloseWrite()
		}()
		frames := pyxiswire.NewReader(nc, 0)
		for {
			answer, err := frames.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("the server sent a bad frame: %v", err)
			}
			if _, err := pyxiswire.DecodeResponse(answer); err != nil {
				t.Fatalf("the server sent a bad answer: %v", err)
			}
		}
		_ = nc.Close()

		other := dial(t, c, 0)
		other.register(0)
		other.stat("/")
	})
}
