//go:build !unix

package client

const openGuarded = 0
