// Package oracle compares internal/unixfs with the importer of boxo, which IPFS
// daemons use, and with go-car: for random trees and parameters both must give
// the same CIDs. It is a module of its own, because the SDK does not need the
// modules that these libraries bring.
//
// The importer of ipfs-cluster v1.1.6 uses an older boxo. Where the two differ,
// internal/unixfs follows the server, which its golden tests check. One
// difference is known, and not compared here: boxo v0.43.0 has no limit for the
// average of rabin chunks from below.
package oracle

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
