package recipe_test

import (
	"context"
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
)

// E14: a nil client or function is an error. It panicked.
func TestNilArguments(t *testing.T) {
	closed := pyxis.NewClient(nil, nil)
	defer closed.Close()
	_, announceErr := recipe.Announce(t.Context(), nil, "/a", nil, nil)
	_, acquireErr := recipe.Acquire(t.Context(), nil, "/a", nil)
	var holdersErr error
	for _, holdersErr = range recipe.Holders(t.Context(), nil, "/a") {
	}
	for name, err := range map[string]error{
		"Announce":          announceErr,
		"Acquire":           acquireErr,
		"Holders":           holdersErr,
		"Elect":             recipe.Elect(t.Context(), nil, "/a", nil, func(context.Context) error { return nil }),
		"Elect of function": recipe.Elect(t.Context(), closed, "/a", nil, nil),
	} {
		if !errors.Is(err, pyxis.ErrInvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
