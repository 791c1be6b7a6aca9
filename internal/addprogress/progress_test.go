package addprogress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// listen returns the context of an add, and its reports so far.
func listen(t *testing.T) (context.Context, *[]Figures) {
	var got []Figures
	return With(t.Context(), func(f Figures) { got = append(got, f) }), &got
}

// There are at most ten reports a second, and a last one.
func TestReportsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, got := listen(t)
		ctx, add, end := Start(ctx)
		add.SetTotals(10_000, 20_000)
		attempt := From(ctx).Begin()
		began := time.Now()
		for i := range 10_000 {
			attempt.Sent(fmt.Sprint(i), 2, true)
			time.Sleep(time.Millisecond)
		}
		if n := len(*got); n != 100 {
			t.Errorf("%d reports in %s", n, time.Since(began))
		}
		end()
		want := Figures{Attempt: 1, Name: "9999", SentBytes: 20_000, SentFiles: 10_000, TotalBytes: 20_000, TotalFiles: 10_000, Done: true}
		if last := (*got)[len(*got)-1]; last != want {
			t.Errorf("the last report is %+v", last)
		}
		attempt.Sent("late", 2, true)
		time.Sleep(time.Second)
		attempt.Stored("9999")
		if n := len(*got); n != 101 {
			t.Errorf("%d reports, some after the last one", n)
		}
	})
}

// Each attempt counts from the beginning, and what is late from the one before does not
// count.
func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, got := listen(t)
		ctx, add, end := Start(ctx)
		add.SetTotals(2, 8)
		first := From(ctx).Begin()
		first.Sent("a", 5, false)
		time.Sleep(time.Second)
		second := From(ctx).Begin()
		first.Sent("a", 7, true)
		first.Stored("a")
		second.Sent("a", 5, true)
		time.Sleep(time.Second)
		second.Stored("a")
		end()
		want := []Figures{
			{Attempt: 1, Name: "a", SentBytes: 5, TotalBytes: 8, TotalFiles: 2},
			{Attempt: 2, Name: "a", SentBytes: 5, SentFiles: 1, TotalBytes: 8, TotalFiles: 2},
			{Attempt: 2, Name: "a", SentBytes: 5, SentFiles: 1, StoredBytes: 5, StoredFiles: 1, TotalBytes: 8, TotalFiles: 2},
		}
		want = append(want, want[2])
		want[3].Done = true
		if !slices.Equal(*got, want) {
			t.Errorf("got  %+v\nwant %+v", *got, want)
		}
	})
}

// Reports of directories and shards come between or after those of files, and symlinks
// are files. The totals grow with a file that grows.
func TestStored(t *testing.T) {
	ctx, got := listen(t)
	ctx, add, end := Start(ctx)
	add.SetTotals(2, 3)
	attempt := From(ctx).Begin()
	attempt.Sent("d/a", 1, false)
	attempt.Sent("d/a", 4, true)
	attempt.Sent("d/link", 0, true)
	attempt.Sent("d/b", 2, true)
	for _, name := range []string{"shard-0", "d/a", "d", "d/link"} {
		attempt.Stored(name)
	}
	if attempt.Stored("d/missing"); add.figures.StoredFiles != 2 || add.figures.StoredBytes != 4 {
		t.Errorf("before the last file: %+v", add.figures)
	}
	attempt.Stored("d/b")
	attempt.Stored("d")
	end()
	want := Figures{Attempt: 1, Name: "d/b", SentBytes: 6, SentFiles: 3, StoredBytes: 6, StoredFiles: 3, TotalBytes: 6, TotalFiles: 3, Done: true}
	if last := (*got)[len(*got)-1]; last != want {
		t.Errorf("the last report is %+v", last)
	}
}

// The clients below a load balancer go on with its add, which alone ends it.
func TestNestedAdds(t *testing.T) {
	ctx, got := listen(t)
	ctx, outer, end := Start(ctx)
	inner, add, endInner := Start(ctx)
	if add != outer || inner != ctx {
		t.Error("the inner add is another one")
	}
	if add.SetTotals(1, 1); outer.NeedsTotals() {
		t.Error("the totals are not shared")
	}
	endInner()
	if len(*got) != 0 {
		t.Error("the inner add made the last report")
	}
	end()
	if len(*got) != 1 || !(*got)[0].Done {
		t.Errorf("got %+v", *got)
	}
	// A listener of an add's part does not hear of the whole.
	part, _ := listen(t)
	if _, add, _ := Start(context.WithValue(ctx, key{}, part.Value(key{}))); add == outer {
		t.Error("a new listener listens to the old add")
	}
}

// Without a listener, nothing happens.
func TestNoListener(t *testing.T) {
	ctx, add, end := Start(t.Context())
	if ctx != t.Context() || add != nil || add.NeedsTotals() {
		t.Error("there is a progress")
	}
	add.SetTotals(1, 1)
	attempt := From(ctx).Begin()
	attempt.Sent("a", 1, true)
	attempt.Stored("a")
	end()
}

// After a panic of the listener, which its add passes on, the listener is not called
// again, not even at the end.
func TestListenerPanics(t *testing.T) {
	boom := errors.New("boom")
	calls := 0
	ctx, _, end := Start(With(t.Context(), func(Figures) {
		calls++
		panic(boom)
	}))
	attempt := From(ctx).Begin()
	func() {
		defer func() {
			if recover() != boom {
				t.Error("the panic was not passed on")
			}
		}()
		attempt.Sent("a", 1, true)
	}()
	end()
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}
