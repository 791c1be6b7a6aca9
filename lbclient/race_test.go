//go:build race

package lbclient_test

// scale divides the sizes of the large tests: the race detector makes them
// ten times as slow.
const scale = 20
