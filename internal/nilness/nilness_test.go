package nilness

import (
	"errors"
	"testing"
)

type pointer struct{ error }

func TestIs(t *testing.T) {
	for i, v := range []any{nil, (*pointer)(nil), (func())(nil), error(nil), error((*pointer)(nil))} {
		if !Is(v) {
			t.Errorf("case %d: %#v is not nil", i, v)
		}
	}
	for i, v := range []any{0, "", pointer{}, &pointer{}, func() {}, errors.New(""), []int(nil), map[int]int(nil)} {
		if Is(v) {
			t.Errorf("case %d: %#v is nil", i, v)
		}
	}
}
