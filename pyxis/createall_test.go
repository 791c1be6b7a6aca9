package pyxis_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func TestCreateAllCreatesParents(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, s.Create("/a", []byte("kept")))
		must(t, c.CreateAll(&pyxis.WriteOption{IsEphemeral: true}, "/a/b/c/d", []byte("data")))
		for path, want := range map[string]string{"/a": "kept", "/a/b": "", "/a/b/c": "", "/a/b/c/d": "data"} {
			n, ok := s.Get(path)
			if !ok || string(n.Data) != want || n.Ephemeral() != (path == "/a/b/c/d") {
				t.Errorf("%s exists: %v, %+v", path, ok, n)
			}
		}
	})
}

func TestCreateAllWithAParentIsOneRequest(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, s.Create("/a", nil))
		must(t, c.CreateAll(nil, "/a/b", nil))
		if got := s.Count(pyxistest.Create); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestCreateAllFails(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		must(t, s.Create("/a", nil))
		must(t, c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/a/e", nil))
		mustBe(t, c.CreateAll(nil, "/a", nil), pyxis.ErrExists)
		mustBe(t, c.CreateAll(nil, "/a/e/x/y", nil), pyxis.ErrInvalidArgument)
		mustBe(t, c.CreateAll(nil, "/pyxis/x/y", nil), pyxis.ErrInvalidArgument)
		mustBe(t, c.CreateAll(nil, "/b/c d/e", nil), pyxis.ErrInvalidArgument)
		if got := slices.Sorted(maps.Keys(s.Tree())); !slices.Equal(got, []string{"/", "/a", "/a/e"}) {
			t.Errorf("nodes %q", got)
		}
	})
}

// TestCreateAllStopsAtAnError checks that no parent is created after one that
// could not be created.
func TestCreateAllStopsAtAnError(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		c, _ := start(t, s, pyxis.Options{})
		s.Node(0).Inject(pyxistest.Fault{
			Ops: pyxistest.Create, Match: func(r pyxistest.Request) bool { return r.Path == "/a/b" },
			Effect: pyxistest.Fail(pyxistest.CodeInternal, "disk full"),
		})
		mustBe(t, c.CreateAll(nil, "/a/b/c/d", nil), pyxis.ErrInternal)
		if got := slices.Sorted(maps.Keys(s.Tree())); !slices.Equal(got, []string{"/", "/a"}) {
			t.Errorf("nodes %q", got)
		}
	})
}
