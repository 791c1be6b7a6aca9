//go:build race

package field

// pins is how many pins are listed through each proxy. Under the race detector,
// 100,000 would take 40 s for each proxy. 10,000 are still far more than the buffers
// of the proxies hold.
const pins = 10_000
