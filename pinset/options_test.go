package pinset_test

import (
	"testing"

	"github.com/pinfleet/pinfleet/pinset"
)

func TestOptions(t *testing.T) {
	c := &fake{}
	for name, opts := range map[string][]pinset.Option{
		"in flight":  {pinset.WithMaxInFlight(0)},
		"patience":   {pinset.WithPatience(-1)},
		"delete":     {pinset.WithDelete()},
		"max delete": {pinset.WithMaxDelete(0.5)},
	} {
		if _, errs := collect(pinset.Pin(t.Context(), c, testPins(1), opts...)); len(errs) != 1 {
			t.Errorf("%s: errors %v", name, errs)
		}
	}
	_, errs := collect(pinset.Sync(t.Context(), nil, testPins(1), nil, pinset.WithMaxDelete(1.5), pinset.WithMaxInFlight(-1)))
	if len(errs) != 1 || len(errs[0].(interface{ Unwrap() []error }).Unwrap()) != 3 {
		t.Errorf("all problems at once: %v", errs)
	}
}
