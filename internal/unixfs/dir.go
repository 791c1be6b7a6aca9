package unixfs

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
)

// Errors of the mutable file system in which the server builds directories.
var (
	errEntryExists = errors.New("directory already has entry by that name")
	errNoDirName   = errors.New("no path given to Mkdir")
)

// dir is a directory under construction.
type dir struct {
	entries map[string]*entry
	// order lists the entries in the order of the stored directory.
	order []string
	// stored is the stored directory.
	stored *Directory
}

// ReplacedError is the error of an upload in which an entry would be lost, because
// a later entry has the same name.
type ReplacedError struct {
	// Name is the path of the entry.
	Name string
}

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("%q comes twice, and only the last one would be kept", e.Name)
}

// entry is an open directory if dir is not nil. Otherwise it is a file, or a
// directory that was stored and reported already. Only directories that were
// stored have a stored directory.
type entry struct {
	link   link
	dir    *dir
	stored *Directory
}

func newDir() *dir {
	return &dir{entries: make(map[string]*entry)}
}

// child returns the open directory at the path below d. It creates missing
// directories, and replaces a file or a directory of an earlier top-level
// entry.
func (d *dir) child(name string) *dir {
	for part := range strings.SplitSeq(name, "/") {
		e := d.entries[part]
		if e == nil || e.dir == nil {
			e = &entry{dir: newDir()}
			d.entries[part] = e
		}
		d = e.dir
	}
	return d
}

// loses reports whether a new entry at the path below d replaces a different one. c is
// the CID of a file, and undefined for a directory. An open directory is not
// replaced: it accepts further entries, and refuses a file.
func (d *dir) loses(name string, c cid.Cid) bool {
	for {
		part, rest, below := strings.Cut(name, "/")
		e := d.entries[part]
		switch {
		case e == nil:
			return false
		case e.dir == nil:
			return below || !e.link.cid.Equals(c)
		case !below:
			return false
		}
		d, name = e.dir, rest
	}
}

// put adds a file at the path below d. It replaces an existing file, but not an
// open directory.
func (d *dir) put(name string, l link) error {
	parent, base := path.Split(name)
	if parent != "" {
		d = d.child(strings.TrimSuffix(parent, "/"))
	}
	if e := d.entries[base]; e != nil && e.dir != nil {
		return errEntryExists
	}
	l.name = base
	d.entries[base] = &entry{link: l}
	return nil
}

// storeDir stores the directory, after the open directories in it.
func (a *adder) storeDir(d *dir) error {
	d.order = slices.Sorted(maps.Keys(d.entries))
	stored := &Directory{links: make([]link, len(d.order)), sum: a.sum}
	estimate := 0
	for i, name := range d.order {
		e := d.entries[name]
		if e.dir != nil {
			if err := a.storeDir(e.dir); err != nil {
				return err
			}
			e.stored = e.dir.stored
			e.link = e.stored.link
			e.link.name = name
		}
		if e.stored != nil {
			stored.below = append(stored.below, subdirectory{i, e.stored})
		}
		stored.links[i] = e.link
		estimate += len(name) + e.link.cid.ByteLen()
	}
	d.stored = stored
	var err error
	if estimate <= hamtThreshold {
		stored.link, err = buildPlain(stored.links, a.store)
		return err
	}
	entries := hamtEntries(stored.links)
	for i, e := range entries {
		d.order[i] = e.link.name
	}
	stored.sharded = true
	stored.link, err = buildHAMT(entries, 0, a.store)
	return err
}

// report emits the events for the directories in a stored directory, and then
// the event for that directory itself. It closes the directories in it, so that
// later entries do not go into them.
func (a *adder) report(d *dir, name string) error {
	for _, base := range d.order {
		e := d.entries[base]
		if e.dir == nil {
			continue
		}
		if err := a.report(e.dir, path.Join(name, base)); err != nil {
			return err
		}
		e.dir = nil
	}
	e := a.event(name, d.stored.link)
	e.Directory = d.stored
	return a.sink.Emit(e)
}
