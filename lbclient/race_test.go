//go:build race

package lbclient_test

// scale divides the sizes of large tests, because the race detector makes them ten times as
// slow.
const scale = 20
