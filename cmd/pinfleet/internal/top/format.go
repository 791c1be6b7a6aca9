package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// bars are the characters of a sparkline, lowest first.
var bars = []rune("▁▂▃▄▅▆▇█")

// sparkline returns the last latencies as bars, newest at the right, in exactly width
// columns. A failed call is ×, and a missing one a space. scale is the latency of the
// highest bar.
func sparkline(latencies []time.Duration, width int, scale time.Duration) string {
	latencies = latencies[max(0, len(latencies)-width):]
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", width-len(latencies)))
	for _, d := range latencies {
		switch {
		case d < 0:
			b.WriteRune('×')
		case d == 0:
			b.WriteRune(' ')
		default:
			b.WriteRune(bars[min(len(bars)-1, int(int64(d)*int64(len(bars))/int64(scale)))])
		}
	}
	return b.String()
}

// duration returns d with two digits and a unit, such as 1.2 ms.
func duration(d time.Duration) string {
	value, unit := float64(d)/float64(time.Millisecond), "ms"
	if d >= time.Second {
		value, unit = d.Seconds(), "s"
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

// number returns n with commas between thousands.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
