//go:build !unix

package client

const openNonBlock = 0
