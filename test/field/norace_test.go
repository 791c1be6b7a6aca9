//go:build !race

package field

// pins is how many pins are listed through each proxy.
const pins = 100_000
