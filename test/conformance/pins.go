package conformance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// checkStored waits until the pinset contains ci with opts. If the options of
// earlier pins may apply, it compares only the options that opts sets.
func checkStored(t *testing.T, s *suite, ci cid.Cid, opts api.PinOptions) {
	t.Helper()
	exact := s.consensus == CRDT
	s.checkPinned(t, ci, func(pin *api.Pin) error {
		switch {
		case !pin.Cid.Cid.Equals(ci):
			return fmt.Errorf("CID is %s, want %s", pin.Cid, ci)
		case pin.Name != opts.Name && (exact || opts.Name != ""):
			return fmt.Errorf("name of %s is %q, want %q", ci, pin.Name, opts.Name)
		case !contains(pin.Metadata, opts.Metadata) || exact && !contains(opts.Metadata, pin.Metadata):
			return fmt.Errorf("metadata of %s is %q, want %q", ci, pin.Metadata, opts.Metadata)
		case !pin.ExpireAt.Equal(opts.ExpireAt) && (exact || !opts.ExpireAt.IsZero()):
			return fmt.Errorf("expiry of %s is %s, want %s", ci, pin.ExpireAt, opts.ExpireAt)
		}
		return nil
	})
}

// contains reports whether all has every entry of some.
func contains(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func testPinAndUnpin(t *testing.T, s *suite) {
	ci := s.stored(t, "pin")
	_, err := s.Allocation(s.within(t), ci)
	want(t, "Allocation of what is not pinned", err, client.ErrNotFound)
	_, err = s.Unpin(s.within(t), ci)
	want(t, "Unpin of what is not pinned", err, client.ErrNotFound)

	var opts api.PinOptions
	if s.maySetOptions() {
		opts = api.PinOptions{Name: "by hand", Metadata: map[string]string{"a": "b"}, ExpireAt: time.Now().Add(time.Hour).Truncate(time.Second)}
	}
	s.unpinLater(t, ci)
	pin, err := s.Pin(s.within(t), ci, opts)
	if err != nil {
		t.Fatalf("Pin: %v", err)
	}
	if !pin.Cid.Cid.Equals(ci) || pin.Name != opts.Name || pin.Type != api.DataType || pin.MaxDepth != -1 {
		t.Errorf("Pin returned %+v", pin)
	}
	checkStored(t, s, ci, opts)

	// Pinning again changes the options.
	if s.maySetOptions() {
		opts.Name = "renamed"
	}
	if _, err := s.Pin(s.within(t), ci, opts); err != nil {
		t.Fatalf("Pin again: %v", err)
	}
	checkStored(t, s, ci, opts)

	if pin, err = s.Unpin(s.within(t), ci); err != nil {
		t.Fatalf("Unpin: %v", err)
	}
	if !pin.Cid.Cid.Equals(ci) {
		t.Errorf("Unpin returned %s, want %s", pin.Cid, ci)
	}
	s.eventually(t, func(ctx context.Context) error {
		pin, err := s.Allocation(ctx, ci)
		switch {
		case err == nil:
			return fmt.Errorf("%s is in the pinset, want it unpinned", pin.Cid)
		case !errors.Is(err, client.ErrNotFound):
			return fmt.Errorf("%s: got error %w, want %w", ci, err, client.ErrNotFound)
		}
		return nil
	})
}

// testPinDirect pins a CID in direct mode. The client must use the route for a
// path, because the server ignores the mode on the route for a CID (Q2).
func testPinDirect(t *testing.T, s *suite) {
	s.needsOptions(t)
	if s.consensus == Raft {
		t.Skip("with Raft a direct pin becomes a recursive one (Q9)")
	}
	ci := s.pinned(t, "direct", api.PinOptions{Mode: api.PinModeDirect})
	pin, err := s.Allocation(s.within(t), ci)
	if err != nil {
		t.Fatal(err)
	}
	if pin.MaxDepth != 0 || pin.Mode != api.PinModeDirect {
		t.Errorf("pinned with depth %d, mode %s", pin.MaxDepth, pin.Mode)
	}
}

// testPinPath pins paths whose names contain special characters of URLs.
func testPinPath(t *testing.T, s *suite) {
	top := ""
	for _, prefix := range []string{"/ipfs/", ""} {
		// Each round has its own content, because a peer that pins what another
		// has just unpinned may lose the pin (Q12).
		content := map[string][]byte{}
		for _, name := range []string{"plain", "a?b", "a#b", "100%41", "%zz", "a b+c", "ü/ö"} {
			content[name] = unique(name)
		}
		outputs, err := s.add(s.within(t), []string{write(t, "paths", content)}, unpinned())
		if err != nil {
			t.Fatal(err)
		}
		top = root(t, outputs).String()
		byName := map[string]cid.Cid{}
		for _, o := range outputs {
			byName[o.Name] = o.Cid.Cid
		}
		for name := range content {
			testOnePath(t, s, prefix+top+"/"+name, byName["paths/"+name])
		}
	}
	_, err := s.PinPath(s.within(t), "/ipfs/"+top+"/missing", api.PinOptions{})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 500 {
		t.Errorf("PinPath of a missing name: %v", err)
	}
	_, err = s.PinPath(s.within(t), "not a path", api.PinOptions{})
	want(t, "PinPath of no path", err, client.ErrInvalid)
}

// testOnePath pins and unpins a path that leads to ci.
func testOnePath(t *testing.T, s *suite, path string, ci cid.Cid) {
	s.unpinLater(t, ci)
	var opts api.PinOptions
	if s.maySetOptions() {
		opts.Name = "by path"
	}
	pin, err := s.PinPath(s.within(t), path, opts)
	if err != nil {
		t.Errorf("PinPath %s: %v", path, err)
		return
	}
	if !pin.Cid.Cid.Equals(ci) {
		t.Errorf("PinPath %s pinned %s, want %s", path, pin.Cid, ci)
	}
	checkStored(t, s, ci, opts)
	if pin, err = s.UnpinPath(s.within(t), path); err != nil {
		t.Errorf("UnpinPath %s: %v", path, err)
	} else if !pin.Cid.Cid.Equals(ci) {
		t.Errorf("UnpinPath %s unpinned %s, want %s", path, pin.Cid, ci)
	}
}

func testPinUpdate(t *testing.T, s *suite) {
	s.needsOptions(t)
	old := s.pinned(t, "old", api.PinOptions{})
	ci := s.stored(t, "new")
	s.unpinLater(t, ci)
	if _, err := s.Pin(s.within(t), ci, api.PinOptions{Name: "updated", PinUpdate: api.NewCid(old)}); err != nil {
		t.Fatalf("Pin: %v", err)
	}
	checkStored(t, s, ci, api.PinOptions{Name: "updated"})
	missing := s.stored(t, "missing")
	_, err := s.Pin(s.within(t), ci, api.PinOptions{PinUpdate: api.NewCid(missing)})
	want(t, "update of what is not pinned", err, client.ErrNotFound)
}

func testPinRefused(t *testing.T, s *suite) {
	ctx := s.within(t)
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
	info, err := client.WaitFor(s.within(t), s, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusPinned, CheckFreq: 50 * time.Millisecond})
	if err != nil {
		t.Fatalf("WaitFor: %v", err)
	}
	if !info.Cid.Cid.Equals(ci) || !info.Match(api.TrackerStatusPinned) {
		t.Errorf("WaitFor returned %s", info)
	}
	many := []cid.Cid{ci, s.pinned(t, "wait 2", api.PinOptions{}), s.pinned(t, "wait 3", api.PinOptions{})}
	seen := map[string]bool{}
	for info, err := range client.WaitForAll(s.within(t), s, many, client.StatusFilterParams{Target: api.TrackerStatusPinned, CheckFreq: 50 * time.Millisecond}) {
		if err != nil {
			t.Fatalf("WaitForAll: %v", err)
		}
		seen[info.Cid.String()] = true
	}
	if len(seen) != len(many) {
		t.Errorf("WaitForAll reported %d of %d", len(seen), len(many))
	}
	ctx, cancel := context.WithTimeout(s.ctx, 100*time.Millisecond)
	defer cancel()
	_, err = client.WaitFor(ctx, s, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusSharded, CheckFreq: 10 * time.Millisecond})
	want(t, "WaitFor what never comes", err, context.DeadlineExceeded)
}

func testRecover(t *testing.T, s *suite) {
	ci := s.pinned(t, "recover", api.PinOptions{})
	for _, local := range []bool{false, true} {
		s.eventually(t, func(ctx context.Context) error {
			info, err := s.Recover(ctx, ci, local)
			if err != nil {
				return err
			}
			if !info.Cid.Cid.Equals(ci) || len(info.PeerMap) == 0 || local && len(info.PeerMap) != 1 {
				return fmt.Errorf("status after Recover (local %t) is %s, want one of %s, from one peer if local", local, info, ci)
			}
			return nil
		})
		for _, err := range s.RecoverAll(s.within(t), local) {
			if err != nil {
				t.Errorf("RecoverAll (local %t): %v", local, err)
			}
		}
	}
	_, err := s.Recover(s.within(t), s.stored(t, "not pinned"), true)
	want(t, "local Recover of what is not pinned", err, client.ErrNotFound)
}

// pinnedFiles pins n files with new content and returns their CIDs.
func (s *suite) pinnedFiles(t *testing.T, n int) map[string]bool {
	t.Helper()
	content := map[string][]byte{}
	for i := range n {
		content[fmt.Sprintf("f%03d", i)] = unique("many")
	}
	dir := write(t, "many", content)
	cids := map[string]bool{}
	for name := range content {
		cids[s.addPinned(t, filepath.Join(dir, name), s.adding()).String()] = true
	}
	return cids
}
