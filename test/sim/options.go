package main

import "github.com/pinfleet/pinfleet/lbclient"

var (
	hedging        = []lbclient.Option{}
	attemptTimeout = []lbclient.Option{}
)
