package pyxis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// plant creates the nodes, and a session's ephemeral node /t/a/e.
func plant(t *testing.T, s *pyxistest.Cluster) {
	t.Helper()
	for _, path := range []string{"/t", "/t/a", "/t/a/_hidden", "/t/b", "/t/b/c", "/t/b/c/d", "/t2", "/t2/a"} {
		must(t, s.Create(path, nil))
	}
	other, _ := start(t, s, pyxis.Options{})
	must(t, other.Create(&pyxis.WriteOption{IsEphemeral: true}, "/t/a/e", nil))
}

// wantTree fails unless the service has exactly these nodes.
func wantTree(t *testing.T, s *pyxistest.Cluster, want ...string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(s.Tree())); !slices.Equal(got, want) {
		t.Errorf("nodes %q, want %q", got, want)
	}
}

func TestDeleteAllDeletesASubtree(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		plant(t, s)
		c, _ := start(t, s, pyxis.Options{})
		must(t, c.DeleteAll(nil, "/t"))
		wantTree(t, s, "/", "/t2", "/t2/a")
		must(t, c.DeleteAll(nil, "/t2/a")) // without children
		wantTree(t, s, "/", "/t2")
	})
}

// TestDeleteAllIsPipelined deletes many nodes where each write takes 50 ms.
func TestDeleteAllIsPipelined(t *testing.T) {
	inBubble(t, pyxistest.Options{CommitDelay: 50 * time.Millisecond}, func(t *testing.T, s *pyxistest.Cluster) {
		must(t, s.Create("/t", nil))
		for i := range 1000 {
			must(t, s.Create(fmt.Sprintf("/t/%d", i), nil))
		}
		c, _ := start(t, s, pyxis.Options{})
		_, err := c.Sid()
		must(t, err)
		// 8 × 128 requests, and the last one for /t itself.
		if got := elapsed(func() { must(t, c.DeleteAll(nil, "/t")) }); got != 9*50*time.Millisecond {
			t.Errorf("it took %v", got)
		}
		wantTree(t, s, "/")
	})
}

func TestDeleteAllFails(t *testing.T) {
	inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
		plant(t, s)
		before := s.Tree()
		c, _ := start(t, s, pyxis.Options{})
		mustBe(t, c.DeleteAll(nil, "/missing"), pyxis.ErrNotFound)
		for _, path := range []string{"/", "/pyxis", "/pyxis/session", "/t//a", "/t/", ""} {
			mustBe(t, c.DeleteAll(nil, path), pyxis.ErrInvalidArgument)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		mustBe(t, c.WithContext(ended).DeleteAll(nil, "/t"), context.Canceled)
		wantTree(t, s, slices.Sorted(maps.Keys(before))...)

		s.Node(0).Inject(pyxistest.Fault{
			Ops: pyxistest.Delete, Match: func(r pyxistest.Request) bool { return r.Path == "/t/b/c" },
			Effect: pyxistest.Fail(pyxistest.CodeInternal, "disk full"),
		})
		mustBe(t, c.DeleteAll(nil, "/t"), pyxis.ErrInternal)
		for _, path := range []string{"/t", "/t/b", "/t/b/c"} {
			if _, ok := s.Get(path); !ok {
				t.Errorf("%s was deleted after the failure", path)
			}
		}
	})
}

// TestDeleteAllEndsWithItsContext ends the context while nodes are being
// deleted: the parents must stay.
func TestDeleteAllEndsWithItsContext(t *testing.T) {
	inBubble(t, pyxistest.Options{CommitDelay: time.Second}, func(t *testing.T, s *pyxistest.Cluster) {
		plant(t, s)
		c, _ := start(t, s, pyxis.Options{})
		mustBe(t, within(t, c, 1500*time.Millisecond).DeleteAll(nil, "/t"), context.DeadlineExceeded)
		if _, ok := s.Get("/t"); !ok {
			t.Error("/t was deleted after the end of the context")
		}
	})
}

// TestDeleteAllAmongOthers lets another client change the subtree just before /t
// itself is deleted.
func TestDeleteAllAmongOthers(t *testing.T) {
	tests := []struct {
		name    string
		change  func(s *pyxistest.Cluster, attempt int) error
		times   int // how often, at most
		tried   int // requests to delete /t
		failure error
		left    []string
	}{
		{
			name: "one node is created", times: 1, tried: 2, left: []string{"/", "/t2", "/t2/a"},
			change: func(s *pyxistest.Cluster, _ int) error { return s.Create("/t/new", nil) },
		},
		{
			name: "it is deleted", times: 1, tried: 1, left: []string{"/", "/t2", "/t2/a"},
			change: func(s *pyxistest.Cluster, _ int) error { return s.Delete("/t") },
		},
		{
			name: "nodes are created all the time", times: 100, tried: 10, failure: pyxis.ErrInvalidArgument,
			change: func(s *pyxistest.Cluster, attempt int) error { return s.Create(fmt.Sprintf("/t/%d", attempt), nil) },
			left:   []string{"/", "/t", "/t/10", "/t2", "/t2/a"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, pyxistest.Options{}, func(t *testing.T, s *pyxistest.Cluster) {
				plant(t, s)
				tried := 0
				s.Node(0).Inject(pyxistest.Fault{Ops: pyxistest.Delete, Match: func(r pyxistest.Request) bool {
					if r.Path == "/t" {
						tried++
						if tried <= test.times {
							must(t, test.change(s, tried))
						}
					}
					return false
				}})
				c, _ := start(t, s, pyxis.Options{})
				if err := c.DeleteAll(nil, "/t"); !errors.Is(err, test.failure) {
					t.Errorf("error %v, want %v", err, test.failure)
				}
				if tried != test.tried {
					t.Errorf("%d requests to delete /t, want %d", tried, test.tried)
				}
				wantTree(t, s, test.left...)
			})
		})
	}
}
