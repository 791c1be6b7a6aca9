// Package config holds the settings of one endpoint of a cluster: its address,
// its credentials and its timeouts. A [Config] is plain data; this package makes
// no connections.
//
// # Sources
//
// A Config can be written as a literal, read from JSON with [Load], or made from
// environment variables with [FromEnv] and from a list of addresses with
// [ParseAddrs]. [Config.AsTemplateFor] copies the settings of one endpoint to
// others. [Config.Validate] reports every mistake at once.
//
// # Addresses
//
// The address is a multiaddress (APIAddr), a URL, or Host and Port.
// [Config.Address] converts any of these forms to an [Address]. A part of an
// address that this package does not know is an error, because ignoring it could
// turn encryption off.
//
// # Secrets
//
// Passwords, tokens and keys are masked wherever a Config is printed, logged or
// encoded. Credentials are not sent unencrypted to other machines unless
// AllowCleartextAuth is set; see [Config.CheckCleartext].
//
// # Web sources
//
// [Config.Web] restricts the http:// and https:// sources that Add fetches, for
// services that add addresses of their users.
//
// # Timeouts
//
// Four timeouts bound separate things: DialTimeout the connection, HeaderTimeout
// the wait for the response header, IdleTimeout the peer's silence while a body
// is transferred, and Timeout the whole call. 0 means the documented default,
// a negative value means no limit.
package config
