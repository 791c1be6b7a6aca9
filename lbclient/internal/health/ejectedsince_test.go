package health

import "testing"

// EjectedSince reports an ejection that happened after the permit was given, whether the
// endpoint was admitted at that time or not.
func TestEjectedSince(t *testing.T) {
	m := newMachine()
	before, _ := m.Enter()
	check := func(name string, p Permit, want bool) {
		t.Helper()
		if got := m.EjectedSince(p); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
	check("admitted", before, false)
	ejectOnce(t, m, 0)
	forced := m.Force(false)
	check("admitted, then ejected", before, true)
	check("ejected", forced, true)
	readmit(t, m, m.until)
	check("admitted, ejected, readmitted", before, true)
	check("ejected, readmitted", forced, false)
	ejectOnce(t, m, m.until)
	check("ejected, readmitted, ejected", forced, true)
	readmit(t, m, m.until)
	check("ejected, readmitted, ejected, readmitted", forced, true)
}
