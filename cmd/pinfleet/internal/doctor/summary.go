package doctor

import "fmt"

// Summary returns one line with the numbers of endpoints, members and findings.
func (r *Report) Summary() string {
	found := "nothing is wrong"
	if n := len(r.Findings); n > 0 {
		found = fmt.Sprintf("%s, %s", count(r.count(Error), "error"), count(r.count(Warning), "warning"))
	}
	return fmt.Sprintf("%s, %s: %s", count(r.Endpoints, "endpoint"), count(r.Members, "member"), found)
}

// HasErrors reports whether any finding is an Error.
func (r *Report) HasErrors() bool { return r.count(Error) > 0 }

func (r *Report) count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
