package pyxis_test

import (
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestCreateReadWriteDelete(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		must(t, c.Create(nil, "/a", []byte("one")))
		events.expect(t, "Connected")
		must(t, c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/a/e", nil))
		must(t, c.Create(nil, "/a/_hidden", nil))
		must(t, c.Write(nil, "/a", []byte("two")))
		sid, err := c.Sid()
		must(t, err)

		n, err := c.Read(nil, "/a", nil)
		must(t, err)
		if string(n.Data) != "two" || n.Version != 1 || n.Owner != sid || n.IsEphemeral() || len(n.Children) != 1 || n.Children[0] != "e" {
			t.Errorf("/a is %+v", n)
		}
		n, err = c.Read(&pyxis.ReadOption{ShowHidden: true}, "/a", nil)
		must(t, err)
		if len(n.Children) != 2 {
			t.Errorf("/a with hidden children is %+v", n)
		}
		n, err = c.Read(nil, "/a/e", nil)
		must(t, err)
		if n.Data == nil || len(n.Data) != 0 || !n.IsEphemeral() {
			t.Errorf("/a/e is %+v", n)
		}
		must(t, c.Write(nil, "/a/e", nil))
		must(t, c.Delete(nil, "/a/e"))
		mustBe(t, c.Delete(nil, "/a/e"), pyxis.ErrNotFound)
		mustBe(t, c.Delete(nil, "/a"), pyxis.ErrInvalidArgument)
		mustBe(t, c.Create(nil, "/a", nil), pyxis.ErrExists)

		must(t, c.Close())
		events.expect(t, "Disconnected")
		if left := s.Sessions(); len(left) != 0 {
			t.Errorf("sessions left: %v", left)
		}
		mustBe(t, c.Create(nil, "/b", nil), pyxis.ErrClosed)
		must(t, c.Close())
	})
}

func TestIdleSessionStaysAlive(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, events := start(t, s, pyxis.Options{})
		sid, err := c.Sid()
		must(t, err)
		for range 20 {
			time.Sleep(time.Minute)
			if now, until := c.Session(); now != sid || time.Until(until) < 3*time.Second {
				t.Errorf("session %d, want %d, until %v", now, sid, time.Until(until))
			}
		}
		events.expect(t, "Connected")
	})
}
