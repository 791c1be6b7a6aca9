package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// checkStored waits until the pinset holds ci with opts.
func checkStored(t *testing.T, s *suite, ci cid.Cid, opts api.PinOptions) {
	t.Helper()
	agreed(t, func(ctx context.Context) error {
		pin, err := s.Allocation(ctx, ci)
		if err != nil {
			return err
		}
		switch {
		case !pin.Cid.Cid.Equals(ci):
			return fmt.Errorf("CID is %s, want %s", pin.Cid, ci)
		case pin.Name != opts.Name:
			return fmt.Errorf("name is %q, want %q", pin.Name, opts.Name)
		case !maps.Equal(pin.Metadata, opts.Metadata) && len(pin.Metadata)+len(opts.Metadata) > 0:
			return fmt.Errorf("metadata is %q, want %q", pin.Metadata, opts.Metadata)
		case !pin.ExpireAt.Equal(opts.ExpireAt):
			return fmt.Errorf("expiry is %s, want %s", pin.ExpireAt, opts.ExpireAt)
		}
		return nil
	})
}

func testPinAndUnpin(t *testing.T, s *suite) {
	ci := s.stored(t, "pin")
	_, err := s.Allocation(within(t), ci)
	want(t, "Allocation of what is not pinned", err, client.ErrNotFound)
	_, err = s.Unpin(within(t), ci)
	want(t, "Unpin of what is not pinned", err, client.ErrNotFound)

	opts := api.PinOptions{Name: "by hand", Metadata: map[string]string{"a": "b"}, ExpireAt: time.Now().Add(time.Hour).Truncate(time.Second)}
	pin, err := s.Pin(within(t), ci, opts)
	if err != nil {
		t.Fatalf("Pin: %v", err)
	}
	s.unpinLater(t, ci)
	if !pin.Cid.Cid.Equals(ci) || pin.Name != opts.Name || pin.Type != api.DataType || pin.MaxDepth != -1 {
		t.Errorf("Pin returned %+v", pin)
	}
	checkStored(t, s, ci, opts)

	// Pinning again changes the options.
	opts.Name = "renamed"
	if _, err := s.Pin(within(t), ci, opts); err != nil {
		t.Fatalf("Pin again: %v", err)
	}
	checkStored(t, s, ci, opts)

	if pin, err = s.Unpin(within(t), ci); err != nil {
		t.Fatalf("Unpin: %v", err)
	}
	if !pin.Cid.Cid.Equals(ci) {
		t.Errorf("Unpin returned %s, want %s", pin.Cid, ci)
	}
	eventually(t, func(ctx context.Context) error {
		if _, err := s.Allocation(ctx, ci); !errors.Is(err, client.ErrNotFound) {
			return fmt.Errorf("still pinned, or: %w", err)
		}
		return nil
	})
}

// testPinDirect: the route for a CID would pin recursively.
func testPinDirect(t *testing.T, s *suite) {
	ci := s.pinned(t, "direct", api.PinOptions{Mode: api.PinModeDirect})
	pin, err := s.Allocation(within(t), ci)
	if err != nil {
		t.Fatal(err)
	}
	if pin.MaxDepth != 0 || pin.Mode != api.PinModeDirect {
		t.Errorf("pinned with depth %d, mode %s", pin.MaxDepth, pin.Mode)
	}
}

// testPinPath: names with characters that mean something in a URL.
func testPinPath(t *testing.T, s *suite) {
	content := map[string][]byte{}
	for _, name := range []string{"plain", "a?b", "a#b", "100%41", "%zz", "a b+c", "ü/ö"} {
		content[name] = unique(name)
	}
	params := unpinned()
	outputs, err := s.add(within(t), []string{write(t, "paths", content)}, params)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]cid.Cid{}
	for _, o := range outputs {
		byName[o.Name] = o.Cid.Cid
	}
	top := root(t, outputs).String()
	for name := range content {
		for _, prefix := range []string{"/ipfs/", ""} {
			path := prefix + top + "/" + name
			ci := byName["paths/"+name]
			pin, err := s.PinPath(within(t), path, api.PinOptions{Name: name})
			if err != nil {
				t.Errorf("PinPath %s: %v", path, err)
				continue
			}
			s.unpinLater(t, ci)
			if !pin.Cid.Cid.Equals(ci) {
				t.Errorf("PinPath %s pinned %s, want %s", path, pin.Cid, ci)
			}
			checkStored(t, s, ci, api.PinOptions{Name: name})
			if pin, err = s.UnpinPath(within(t), path); err != nil {
				t.Errorf("UnpinPath %s: %v", path, err)
			} else if !pin.Cid.Cid.Equals(ci) {
				t.Errorf("UnpinPath %s unpinned %s, want %s", path, pin.Cid, ci)
			}
		}
	}
	_, err = s.PinPath(within(t), "/ipfs/"+top+"/missing", api.PinOptions{})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 500 {
		t.Errorf("PinPath of a missing name: %v", err)
	}
	_, err = s.PinPath(within(t), "not a path", api.PinOptions{})
	want(t, "PinPath of no path", err, client.ErrInvalid)
}

func testPinUpdate(t *testing.T, s *suite) {
	old := s.pinned(t, "old", api.PinOptions{})
	ci := s.stored(t, "new")
	if _, err := s.Pin(within(t), ci, api.PinOptions{Name: "updated", PinUpdate: api.NewCid(old)}); err != nil {
		t.Fatalf("Pin: %v", err)
	}
	s.unpinLater(t, ci)
	checkStored(t, s, ci, api.PinOptions{Name: "updated"})
	missing := s.stored(t, "missing")
	_, err := s.Pin(within(t), ci, api.PinOptions{PinUpdate: api.NewCid(missing)})
	want(t, "update of what is not pinned", err, client.ErrNotFound)
}

func testPinRefused(t *testing.T, s *suite) {
	ctx := within(t)
	_, err := s.Pin(ctx, cid.Undef, api.PinOptions{})
	want(t, "Pin of no CID", err, client.ErrInvalid)
	_, err = s.Unpin(ctx, cid.Undef)
	want(t, "Unpin of no CID", err, client.ErrInvalid)
	_, err = s.Allocation(ctx, cid.Undef)
	want(t, "Allocation of no CID", err, client.ErrInvalid)
	_, err = s.Status(ctx, cid.Undef, false)
	want(t, "Status of no CID", err, client.ErrInvalid)
	_, err = s.Recover(ctx, cid.Undef, false)
	want(t, "Recover of no CID", err, client.ErrInvalid)
	ci := s.stored(t, "refused")
	_, err = s.Pin(ctx, ci, api.PinOptions{ReplicationFactorMin: 3, ReplicationFactorMax: 2})
	want(t, "minimum above maximum", err, client.ErrInvalid)
	_, err = s.Pin(ctx, ci, api.PinOptions{Origins: []api.Multiaddr{"/ip4/1.2.3.4/tcp/1"}})
	want(t, "origin without a peer ID", err, client.ErrInvalid)
	_, err = s.Pin(ctx, ci, api.PinOptions{ReplicationFactorMin: 60, ReplicationFactorMax: 60})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 500 || e.Message == "" {
		t.Errorf("more replicas than peers: %v", err)
	}
}

func testWaitFor(t *testing.T, s *suite) {
	ci := s.pinned(t, "wait", api.PinOptions{})
	info, err := client.WaitFor(within(t), s, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusPinned, CheckFreq: 50 * time.Millisecond})
	if err != nil {
		t.Fatalf("WaitFor: %v", err)
	}
	if !info.Cid.Cid.Equals(ci) || !info.Match(api.TrackerStatusPinned) {
		t.Errorf("WaitFor returned %s", info)
	}
	many := []cid.Cid{ci, s.pinned(t, "wait 2", api.PinOptions{}), s.pinned(t, "wait 3", api.PinOptions{})}
	seen := map[string]bool{}
	for info, err := range client.WaitForAll(within(t), s, many, client.StatusFilterParams{Target: api.TrackerStatusPinned, CheckFreq: 50 * time.Millisecond}) {
		if err != nil {
			t.Fatalf("WaitForAll: %v", err)
		}
		seen[info.Cid.String()] = true
	}
	if len(seen) != len(many) {
		t.Errorf("WaitForAll reported %d of %d", len(seen), len(many))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = client.WaitFor(ctx, s, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusSharded, CheckFreq: 10 * time.Millisecond})
	want(t, "WaitFor what never comes", err, context.DeadlineExceeded)
}

func testRecover(t *testing.T, s *suite) {
	ci := s.pinned(t, "recover", api.PinOptions{})
	for _, local := range []bool{false, true} {
		eventually(t, func(ctx context.Context) error {
			info, err := s.Recover(ctx, ci, local)
			if err != nil {
				return err
			}
			if !info.Cid.Cid.Equals(ci) || len(info.PeerMap) == 0 || local && len(info.PeerMap) != 1 {
				return fmt.Errorf("status (local %t) is %s", local, info)
			}
			return nil
		})
		for _, err := range s.RecoverAll(within(t), local) {
			if err != nil {
				t.Errorf("RecoverAll (local %t): %v", local, err)
			}
		}
	}
	_, err := s.Recover(within(t), s.stored(t, "not pinned"), true)
	want(t, "local Recover of what is not pinned", err, client.ErrNotFound)
}

// pinnedFiles pins n files of new content.
func (s *suite) pinnedFiles(t *testing.T, n int) map[string]bool {
	t.Helper()
	content := map[string][]byte{}
	for i := range n {
		content[fmt.Sprintf("f%03d", i)] = unique("many")
	}
	dir := write(t, "many", content)
	cids := map[string]bool{}
	for name := range content {
		outputs, err := s.add(within(t), []string{filepath.Join(dir, name)}, api.DefaultAddParams())
		if err != nil {
			t.Fatalf("Add: %v", err)
		}
		ci := root(t, outputs)
		s.unpinLater(t, ci)
		cids[ci.String()] = true
	}
	return cids
}
