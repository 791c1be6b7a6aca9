// Package config holds the settings of one endpoint as plain data: where it
// is, how to prove who asks, and how long to wait. It makes no connections.
package config
