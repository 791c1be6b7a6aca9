//go:build !race

package lbclient_test

const scale = 1
