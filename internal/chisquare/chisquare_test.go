package chisquare

import "testing"

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name   string
		counts []int
		shares []float64
		fits   bool
	}{
		{"even", []int{5030, 4970}, Even(2), true},
		{"not even", []int{5400, 4600}, Even(2), false},
		{"shares", []int{3010, 990}, []float64{3, 1}, true},
		{"shares in the other order", []int{990, 3010}, []float64{3, 1}, false},
		{"one of ten", []int{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1300}, Even(10), false},
		{"too few", []int{40, 40}, Even(2), false},
	} {
		if err := compare(test.counts, test.shares); (err == nil) != test.fits {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
