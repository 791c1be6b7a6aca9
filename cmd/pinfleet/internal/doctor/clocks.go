package doctor

import (
	"fmt"
	"time"
)

const whyClock = "Metrics of a peer whose clock is wrong count as expired, so that nothing is allocated to it; tokens are refused, and pins expire at the wrong time."

// checkClocks compares the clocks of the endpoints with that of this machine.
func (c *cluster) checkClocks() []Finding {
	var findings []Finding
	var least, most time.Duration
	dated := 0
	for _, e := range c.endpoints {
		e.wire.mu.Lock()
		known, ahead, doubt := e.wire.dated, e.wire.ahead, e.wire.doubt
		e.wire.mu.Unlock()
		if !known {
			continue
		}
		if dated++; dated == 1 {
			least, most = ahead, ahead
		}
		least, most = min(least, ahead), max(most, ahead)
		if ahead.Abs() > c.opts.MaxSkew+doubt {
			findings = append(findings, Finding{ID: ClockOff, Severity: Error, Endpoint: e.name,
				What: fmt.Sprintf("its clock is %s, compared with this machine's", direction(ahead)), Why: whyClock,
				Do: "Let both machines set their clocks from the network (NTP)."})
		}
	}
	if dated > 1 && len(findings) == dated && most-least <= c.opts.MaxSkew {
		return []Finding{{ID: ClockHere, Severity: Warning,
			What: fmt.Sprintf("the clock of this machine is %s, compared with all %d endpoints", direction(-most), dated),
			Why:  "Times in the output are wrong, and tokens that are signed here are refused.",
			Do:   "Let this machine set its clock from the network (NTP)."}}
	}
	return findings
}

func direction(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%s behind", ahead.Abs().Round(time.Second))
	}
	return fmt.Sprintf("%s ahead", ahead.Round(time.Second))
}
