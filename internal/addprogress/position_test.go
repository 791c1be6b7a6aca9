package addprogress

import "testing"

// step is an output of an attempt: progress, or the CID of a file.
type step struct {
	file  string
	bytes uint64 // of progress
	cid   bool
	known bool // the CID of a later file was delivered
	isNew bool // wanted, of progress
}

func (s step) of(p *Position) (ok bool) {
	if s.cid {
		p.Complete(s.file, s.known)
		return true
	}
	isNew := p.IsNew(s.file, s.bytes)
	if isNew {
		p.Delivered(s.file, s.bytes)
	}
	return isNew == s.isNew
}

func TestPosition(t *testing.T) {
	for name, attempts := range map[string][][]step{
		"the first attempt is left alone": {
			{{file: "a", bytes: 9, isNew: true}, {file: "a", bytes: 9, isNew: true}, {file: "a", bytes: 5, isNew: true}, {file: "b", isNew: true}, {file: "a", bytes: 1, isNew: true}},
		},
		"nothing was delivered before": {
			{}, {{file: "a", bytes: 9, isNew: true}},
		},
		"other steps": {
			{{file: "a", bytes: 5, isNew: true}, {file: "b", bytes: 5, isNew: true}},
			{{file: "a", bytes: 9}, {file: "b", bytes: 4}, {file: "b", bytes: 6, isNew: true}, {file: "b", bytes: 7, isNew: true}, {file: "c", bytes: 1, isNew: true}},
		},
		"before all CIDs": {
			{{file: "a", bytes: 5, isNew: true}, {file: "b", bytes: 5, isNew: true}, {file: "a", cid: true}},
			{{file: "a", bytes: 5}, {file: "b", bytes: 5}, {file: "c", bytes: 5, isNew: true}, {file: "a", cid: true}, {file: "b", cid: true}},
			{{file: "a", bytes: 5}, {file: "b", bytes: 5}, {file: "c", bytes: 5}},
		},
		"in turn, and then before all CIDs": {
			{{file: "a", bytes: 5, isNew: true}, {file: "a", cid: true}, {file: "b", bytes: 5, isNew: true}, {file: "b", cid: true}},
			{{file: "a", bytes: 5}, {file: "b", bytes: 5}, {file: "b", bytes: 6}, {file: "c", bytes: 5, isNew: true}},
		},
		"the last file does not report progress again": {
			{{file: "a", bytes: 5, isNew: true}, {file: "b", bytes: 5, isNew: true}},
			{{file: "a", bytes: 5}, {file: "a", cid: true}, {file: "b", cid: true}, {file: "c", bytes: 1, isNew: true}},
		},
		"two files of one name": {
			{{file: "a", bytes: 9, isNew: true}, {file: "a", cid: true}},
			{{file: "a", bytes: 9}, {file: "a", cid: true}, {file: "a", bytes: 5, isNew: true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Position{}
			for i, steps := range attempts {
				if i > 0 {
					p.Repeat()
				}
				for _, s := range steps {
					if !s.of(p) {
						t.Errorf("attempt %d: %+v", i, s)
					}
				}
			}
		})
	}
}
