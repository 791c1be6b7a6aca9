package parts

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// B3: the head of a CAR that no server accepts was sent, so that the request had begun when
// the CAR was refused. The first Read must fail.
func TestB3NothingIsReadOfAPartThatIsRefused(t *testing.T) {
	upload := "--b\r\nContent-Disposition: form-data; filename=a\r\n\r\ncontent\r\n--b--\r\n"
	refused := errors.New("refused")
	r := Replace("b", strings.NewReader(upload), func(io.Reader) (io.Reader, error) { return nil, refused })
	for range 2 {
		if n, err := r.Read(make([]byte, 100)); n != 0 || err != refused {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	r = Replace("b", strings.NewReader(upload), func(io.Reader) (io.Reader, error) { return strings.NewReader("other"), nil })
	if got, err := io.ReadAll(r); err != nil || string(got) != strings.Replace(upload, "content", "other", 1) {
		t.Errorf("%q, %v", got, err)
	}
}
