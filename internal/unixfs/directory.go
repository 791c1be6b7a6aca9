package unixfs

import (
	"slices"

	"github.com/ipfs/go-cid"
)

// Directory is a directory that an import stored. It knows which CIDs a server
// may report for it.
//
// A directory has two forms: one block with all entries, or a HAMT. Import uses
// the form that ipfs-cluster v1.1.6 uses: a HAMT if the names and CIDs of the
// entries have more than 256 KiB together. Other versions have other limits: old
// ones never build a HAMT, and newer versions of boxo can count the bytes of the
// whole block. The entries are the same in both forms.
//
// A directory that contains directories has more than two possible CIDs, because
// each of them can be in either form. Instead of computing them all, Directory
// uses the order in which servers report directories: those inside before the
// one that contains them. So the CIDs of the directories inside are known by
// then, and two CIDs remain.
type Directory struct {
	// links are the entries in the order of their names.
	links []link
	// below are the directories among the entries.
	below []subdirectory
	// link is the link to the stored form, which is a HAMT if sharded is set.
	link    link
	sharded bool
	// accepted is the link to the form that Accept accepted last. It is undefined
	// before, and if that was the stored form.
	accepted link
	sum      func(node) (cid.Cid, error)
}

// subdirectory is entry number index of a directory.
type subdirectory struct {
	index int
	dir   *Directory
}

// Accept reports whether c is the CID of the directory in one of its two forms,
// and returns the cumulative size of the DAG in that form, in bytes. The
// directories inside have the form that their own Accept accepted last. Those
// for which it was not called, or accepted nothing, have the form that Import
// stored.
//
// Accept computes a form only if it is needed: nothing if c is the CID in the
// event, and directories inside have their stored form. Accept may run
// concurrently with the import, but not with Accept of another directory of the same
// import.
func (d *Directory) Accept(c cid.Cid) (size uint64, ok bool) {
	links, changed := d.acceptedLinks()
	if !changed && c.Equals(d.link.cid) {
		d.accepted = link{}
		return d.link.size, true
	}
	// The other form comes first, because without a change the stored form is
	// excluded.
	forms := []bool{!d.sharded}
	if changed {
		forms = append(forms, d.sharded)
	}
	for _, sharded := range forms {
		l, err := d.build(links, sharded)
		if err == nil && c.Equals(l.cid) {
			d.accepted = l
			return l.size, true
		}
	}
	return 0, false
}

// acceptedLinks returns the entries with the directories among them in their
// accepted forms, and reports whether one of them is not in its stored form.
func (d *Directory) acceptedLinks() (links []link, changed bool) {
	links = d.links
	for _, b := range d.below {
		if !b.dir.accepted.cid.Defined() {
			continue
		}
		if !changed {
			links, changed = slices.Clone(links), true
		}
		links[b.index].cid, links[b.index].size = b.dir.accepted.cid, b.dir.accepted.size
	}
	return links, changed
}

// build returns the link to the directory with these entries, in one form. It
// stores nothing. An empty directory has no HAMT form.
func (d *Directory) build(links []link, sharded bool) (link, error) {
	hash := func(n node) (link, error) {
		c, err := d.sum(n)
		return link{cid: c, size: n.size()}, err
	}
	if sharded && len(links) > 0 {
		return buildHAMT(hamtEntries(links), 0, hash)
	}
	return buildPlain(links, hash)
}

// buildPlain stores a directory in one block and returns a link to it. The links
// are in the order of their names.
func buildPlain(links []link, store storeFunc) (link, error) {
	block, below := encodeNode(links, encodeDirectory())
	return store(node{block: block, below: below})
}
