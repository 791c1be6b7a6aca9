package output

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTable checks the widths of the columns, that rows are printed before the last one
// has come, and that text from the network cannot control the terminal.
func TestTable(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Options{Live: true})
	table := p.Table("A", "BB")
	for i := range lookahead - 1 {
		if err := table.Row(nil, Text(fmt.Sprint(i)), Text("x")); err != nil || b.Len() > 0 {
			t.Fatalf("row %d: %q, %v", i, b.String(), err)
		}
	}
	if err := table.Row(nil, Text("wide"), Text("\x1b[31mred\nline")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if lines[0] != "A     BB" || lines[1] != "0     x" || lines[lookahead] != "wide   [31mred line" && lines[lookahead] != "wide  [31mred line" {
		t.Errorf("%q", lines)
	}
	b.Reset()
	if err := table.Row(nil, Text("wider than the widths"), Text("")); err != nil || b.String() != "wider than the widths\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// TestTableAtOnce checks that each row is printed when it comes.
func TestTableAtOnce(t *testing.T) {
	var b bytes.Buffer
	table := New(&b, Options{}).Table("CID", "NAME").AtOnce(LongCID)
	if err := table.Row(nil, Text("Qm"), Text("x")); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); len(lines) != 3 || strings.Index(lines[0], "NAME") != len(LongCID)+2 || strings.Index(lines[1], "x") != len(LongCID)+2 {
		t.Errorf("%q", lines)
	}
}

func TestTableAsJSON(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Options{JSON: true, Colour: true})
	table := p.Table("A")
	for range 2 {
		if err := table.Row(map[string]string{"a": "<b>"}, Good("unused")); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Line("for people"); err != nil {
		t.Fatal(err)
	}
	if err := table.End(); err != nil || b.String() != "{\"a\":\"\\u003cb\\u003e\"}\n{\"a\":\"\\u003cb\\u003e\"}\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestColour(t *testing.T) {
	for _, colour := range []bool{false, true} {
		want := map[bool]string{false: "name  up\n", true: "name  \x1b[32mup\x1b[0m\n"}[colour]
		var b bytes.Buffer
		p := New(&b, Options{Colour: colour})
		if err := p.Result(nil, Field{"name", Good("up")}, Field{"gone", Bad("")}); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(); err != nil || b.String() != want {
			t.Errorf("colour %t: %q, %v", colour, b.String(), err)
		}
	}
}

func TestQuantities(t *testing.T) {
	now := time.Unix(1_000_000_000, 0)
	for _, test := range []struct{ got, want string }{
		{Age(now.Add(-90*time.Second), now), "1m"},
		{Age(now.Add(-800*24*time.Hour), now), "2y"},
		{Age(time.Time{}, now), ""},
		{Age(time.Unix(0, 0), now), ""},
		{Duration(0), "0s"},
		{Duration(-3 * time.Hour), "-3h"},
		{Bytes(0), "0 B"},
		{Bytes(1023), "1023 B"},
		{Bytes(1536), "1.5 KiB"},
		{Bytes(100 << 30), "100 GiB"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}
