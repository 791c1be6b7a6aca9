package parts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"pgregory.net/rapid"
)

// pieces delivers text in pieces of n bytes, and then err.
func pieces(text string, n int, err error) func() ([]byte, error) {
	left := []byte(text)
	return func() ([]byte, error) {
		if len(left) == 0 {
			return nil, err
		}
		piece := bytes.Clone(left[:min(n, len(left))])
		left = left[len(piece):]
		return piece, nil
	}
}

// walk appends the entries of a directory to list, one line each. A file is listed
// when its end was read.
func walk(d files.Directory, at string, list *[]string) error {
	it := d.Entries()
	for it.Next() {
		name := at + "/" + it.Name()
		switch n := it.Node().(type) {
		case files.Directory:
			*list = append(*list, name+"/")
			if err := walk(n, name, list); err != nil {
				return err
			}
		case *files.Symlink:
			*list = append(*list, name+" -> "+n.Target)
		case files.File:
			content, err := io.ReadAll(n)
			if err != nil {
				return err
			}
			*list = append(*list, fmt.Sprintf("%s = %q", name, content))
		}
	}
	return it.Err()
}

// ours returns what a Tree makes of text.
func ours(text string, n int, err error) ([]string, error) {
	t := New("b", true, pieces(text, n, err))
	var list []string
	err = walk(t, "", &list)
	if err == nil {
		err = t.Finish()
	}
	return list, err
}

// theirs returns what a server makes of text.
func theirs(text string) (list []string, err error) {
	err = walk(server(strings.NewReader(text)), "", &list)
	return list, err
}

// server returns an upload as a server reads it.
func server(body io.Reader) files.Directory {
	d, err := files.NewFileFromPartReader(multipart.NewReader(body, "b"), "multipart/form-data")
	if err != nil {
		panic(err) // only for another media type
	}
	return d
}

// sofar returns what a server has made of an upload of which it has received text.
func sofar(text string) (list []string) {
	defer func() { _ = recover() }()
	_ = walk(server(io.MultiReader(strings.NewReader(text), readerFunc(func([]byte) (int, error) {
		panic("a server would wait here")
	}))), "", &list)
	return list
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func part(name, header, content string) string {
	return "\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\n" + header + "\r\n" + content
}

const end = "\r\n--b--\r\n"

var bodies = []string{
	part("a", "", "content") + end,
	part("a", "Content-Type: application/octet-stream\r\n", "") + part("d", "Content-Type: application/x-directory\r\n", "") +
		part("d%2Fx", "", "1") + part("d%2Fs%2Fy+z", "", "2") + part("l", "Content-Type: application/symlink\r\n", "../target") + end,
	part("d%2Fx", "", "1") + part("d", "Content-Type: application/x-directory\r\n", "") + part("d%2Fy", "", "2") + end,
	part("a", "", "\r\n--b") + end,
	part("a", "", "\r\n--bb\r\n-\r\n--b-x\r") + end,
	"--b\r\nContent-Disposition: attachment; filename=a\r\n\r\n--b\r\n" + part("b", "", "")[2:] + end,
	"preamble\r\n--bb\r\n\r\n" + part("a%", "Content-Type: Text/Plain; charset=x\r\nX-Other:  y\r\n folded\r\n", "x") + end,
	strings.ReplaceAll(part("a", "", "x")+part("b", "", "y")+end, "\r\n", "\n"),
	part("a", "Content-Transfer-Encoding: Quoted-Printable\r\n", "x=3Dy=\r\nz") + end,
	part("..%2Fa%2F.%2F%2Fb", "", "x") + "\r\n--b-- \t\r\nepilogue",
	part("a", "Abspath-Encoded: %2Fx\r\n", "x") + "\r\n--b  \t\r\nContent-Disposition: form-data; filename=\"q\\\"x\"\r\n\r\n" + end,
	"--b--", "\r\n--b--", "--b", "", "\r\n", part("a", "", "cut"), part("a", "", "x") + "\r\n--bx" + end, part("a", "", "x") + "\r\n--b x\r\n" + end,
	part("a", "Content-Type: ;\r\n", "") + end,
	part("a", "broken\r\n", "") + end,
	"--b\r\n\r\nno head\r\n--b--\r\n",
	part("", "", "x") + part("a", "", "x") + end,
	part("a", "", "x") + part("", "", "x") + end,
	part("a", "", "x") + part("a%2Fb", "", "y") + end,
}

// refused are the errors of entries that a server would lose, and of an upload that
// ends after a delimiter, which a server takes for the end.
func refused(err error) bool {
	return errors.Is(err, errTruncated) || errors.Is(err, errNoName) || errors.Is(err, errUnread) || strings.Contains(err.Error(), "a directory and a file") ||
		strings.Contains(err.Error(), "is malformed") // the head of a part that a server never looks at
}

// compare compares a Tree of text with what a server makes of it.
func compare(t rapid.TB, text string, n int) {
	t.Helper()
	want, theirErr := theirs(text)
	got, ourErr := ours(text, n, io.EOF)
	if errors.Is(ourErr, ErrNone) && len(want) == 0 {
		return
	}
	// A Tree does not look at the line of the closing delimiter, which can make a
	// server refuse the upload.
	late := ourErr == nil && strings.Contains(text, "--b--")
	if (theirErr == nil) != (ourErr == nil) && !late && !(ourErr != nil && refused(ourErr)) {
		t.Errorf("%q in pieces of %d: error %v, want %v", text, n, ourErr, theirErr)
	}
	if ourErr == nil && !slices.Equal(got, want) {
		t.Errorf("%q in pieces of %d:\n%q, want\n%q", text, n, got, want)
	}
}

// A Tree is what a server makes of the upload, in whatever pieces it arrives.
func TestTreeIsTheServers(t *testing.T) {
	for _, text := range bodies {
		for n := 1; n <= len(text)+1; n++ {
			compare(t, text, n)
		}
	}
}

// A server reports a file when it has read the end of its part. By then the Tree,
// which has read no less of the upload, must know the file too. Otherwise a true
// report would look like one that came too early.
func TestTreeIsNotLater(t *testing.T) {
	pause := errors.New("pause")
	for _, text := range bodies {
		whole, err := ours(text, len(text), io.EOF)
		if err != nil {
			continue
		}
		for n := range len(text) {
			want := sofar(text[:n])
			got, _ := ours(text[:n], n, pause)
			if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
				t.Errorf("%q: after %d bytes, a server knows %q, and the tree %q", text, n, want, got)
			}
			if !slices.Equal(got, whole[:len(got)]) {
				t.Errorf("%q: after %d bytes, the tree has %q", text, n, got)
			}
		}
	}
}

func TestPropertyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := []string{"\r\n", "\n", "--b", "--", "-", "\r", " ", "x", "Content-Type: application/x-directory", "Content-Disposition: form-data; filename=\"",
			"a", "%2F", "\"", ": ", "\r\n\r\n", "\r\n--b\r\n", part("a", "", "x"), part("d%2Fx", "", "y"), end}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 20).Draw(t, "words"), "")
		compare(t, text, rapid.IntRange(1, 20).Draw(t, "size"))
	})
}

func FuzzTree(f *testing.F) {
	for _, text := range bodies {
		f.Add(text, 7)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		compare(t, text, max(1, n))
	})
}

// B5: of several top-level entries without a wrapping directory, a server pins the
// last one, and reports all.
func TestB5TwoRoots(t *testing.T) {
	for text, ok := range map[string]bool{
		part("a", "", "x") + end:                                                                            true,
		part("d%2Fa", "", "x") + part("d%2Fb", "", "x") + end:                                               true,
		part("d%2Fa", "", "x") + part("d", "Content-Type: application/x-directory\r\n", "") + end:           true,
		part("a", "", "x") + part("b", "", "x") + end:                                                       false,
		part("a", "", "x") + part("a", "", "x") + end:                                                       false,
		part("d%2Fa", "", "x") + part("e%2Fb", "", "x") + end:                                               false,
		part("d%2Fa", "", "x") + part("f", "", "") + part("d%2Fb", "", "x") + end:                           false,
		part("d%2Fa", "", "x") + part("d", "", "x") + end:                                                   false,
		part("d", "Content-Type: application/x-directory\r\n", "") + part("l", "Content-Type: x/y\r\n", ""): false,
	} {
		for _, wrap := range []bool{false, true} {
			tree := New("b", wrap, pieces(text, len(text), io.EOF))
			err := walk(tree, "", new([]string))
			if errors.Is(err, errTwoRoots) == (ok || wrap) {
				t.Errorf("%q, wrap %t: error %v", text, wrap, err)
			}
		}
	}
}

// Progress is that of a server: at every 256 KiB, and at the end, with the path below
// the top-level entry. Symlinks are reported as well.
func TestProgress(t *testing.T) {
	text := part("d%2Ff", "", strings.Repeat("x", 600<<10)) + part("d%2Fl", "Content-Type: application/symlink\r\n", "f") + part("d%2Fe", "", "") + end
	for wrap, name := range map[bool]string{false: "", true: "d/"} {
		tree := New("b", wrap, pieces(text, 100<<10, io.EOF))
		var got []string
		tree.Progress = func(r Read) error {
			got = append(got, fmt.Sprintf("%+v", r))
			return nil
		}
		if err := walk(tree, "", new([]string)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"{Path:d/f Name:" + name + "f Bytes:614400 Ended:true Symlink:false}",
			"{Path:d/l Name: Bytes:0 Ended:true Symlink:true}",
			"{Path:d/e Name:" + name + "e Bytes:0 Ended:true Symlink:false}",
		}
		if len(got) != 5 || !slices.Equal(got[2:], want) {
			t.Errorf("wrap %t: %q", wrap, got)
		}
	}
	failure := errors.New("nobody listens")
	tree := New("b", true, pieces(text, 100<<10, io.EOF))
	tree.Progress = func(Read) error { return failure }
	if err := walk(tree, "", new([]string)); err != failure {
		t.Error(err)
	}
}

// The head of a part that is not known to be plain is parsed by the standard library.
// Both ways give the same.
func TestPlainHead(t *testing.T) {
	for text, plain := range map[string]bool{
		"Content-Disposition: form-data; name=\"file?mode=0644&mtime=1\"; filename=\"d%2Fx+y\"\r\nContent-Type: application/octet-stream\r\n\r\n": true,
		"Abspath-Encoded: %2Fx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\nContent-Type: application/symlink\r\n\r\n":     true,
		"Content-Disposition: attachment; filename=\"d\"\r\nContent-Type: application/x-directory\r\n\r\n":                                        true,
		"Content-Disposition: form-data; filename=\"d\"\r\n\r\n":                                                                                  true,
		"Content-Disposition: form-data; name=\"x\\\"; filename=\"; filename=\"d\"\r\n\r\n":                                                       false,
		"Content-Disposition: form-data; filename=\"d\"; filename*=\"e\"\r\n\r\n":                                                                 false,
		"content-disposition: form-data; filename=\"d\"\r\n\r\n":                                                                                  false,
		"Content-Disposition: form-data; filename=\"d\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n":                                   false,
		"Content-Disposition: form-data; filename=d\r\n\r\n":                                                                                      false,
		"Content-Disposition: form-data; filename=\"d d\"\r\n\r\n":                                                                                false,
		"Content-Disposition: form-data; filename=\"d\"\r\nContent-Disposition: form-data; filename=\"e\"\r\n\r\n":                                false,
		"Content-Disposition: form-data; filename=\"d\"\r\n Content-Type: x\r\n\r\n":                                                              false,
	} {
		h, ok := plainHead([]byte(text))
		if ok != plain {
			t.Errorf("%q: plain is %t", text, ok)
		}
		// A further field makes it unusual.
		other, err := parseHead([]byte("X: y\r\n" + text))
		if ok && (err != nil || h != other) {
			t.Errorf("%q: %+v, want %+v, %v", text, h, other, err)
		}
	}
}

// A head without end does not fill the memory.
func TestEndlessHead(t *testing.T) {
	n := 0
	tree := New("b", true, func() ([]byte, error) {
		n++
		return []byte("--b\r\n" + strings.Repeat("X: y\r\n", 1000)), nil
	})
	if err := walk(tree, "", new([]string)); !errors.Is(err, errHead) || n > 100 {
		t.Errorf("%v after %d pieces", err, n)
	}
}

// B5: a second top-level entry was an error of whoever read the tree, but not of the upload:
// when the rest was skimmed, the upload was complete, and a server pinned its last entry.
func TestB5AWrongTreeStaysWrong(t *testing.T) {
	part := func(name string) string {
		return "--b\r\nContent-Disposition: form-data; filename=" + name + "\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n"
	}
	for upload, want := range map[string]error{
		part("a") + part("b") + "--b--\r\n":             errTwoRoots,
		part("a") + part("b") + part("c") + "--b--\r\n": errTwoRoots,
		part("a") + "--b--\r\n":                         nil,
	} {
		read := false
		tree := New("b", false, func() ([]byte, error) {
			if read {
				return nil, io.EOF
			}
			read = true
			return []byte(upload), nil
		})
		if err := Skim(tree); err != want {
			t.Errorf("the first reader: %v, want %v", err, want)
		}
		if err := tree.Err(); err != want {
			t.Errorf("Err: %v, want %v", err, want)
		}
		if err := Skim(tree); err != want {
			t.Errorf("the second reader: %v, want %v", err, want)
		}
		if err := tree.Finish(); err != want {
			t.Errorf("Finish: %v, want %v", err, want)
		}
	}
}
