package client

import (
	"errors"
	"net/http"
)

// statusRule describes what an error status proves.
type statusRule struct {
	// refused: the request was not executed.
	refused bool
	// unavailable: the status is not the API's answer, but that of a proxy or an
	// overloaded server. Another peer may accept the request.
	unavailable bool
}

// statusRules holds the rules of all statuses below 500. A status that is not in the
// table is an answer of the API, and the request may have been executed.
var statusRules = map[int]statusRule{
	// Servers redirect before they act. 303 is not in the table: it may mean that
	// the request was executed and that its result is elsewhere.
	http.StatusMovedPermanently:  {refused: true},
	http.StatusFound:             {refused: true},
	http.StatusTemporaryRedirect: {refused: true},
	http.StatusPermanentRedirect: {refused: true},

	// The API checks credentials, route, method and size before it acts. 400 is
	// not in the table, because the API may act in spite of it (quirk Q1). A 404
	// that is not the API's is a proxy's; statusError and Unavailable check that.
	http.StatusUnauthorized:                {refused: true},
	http.StatusForbidden:                   {refused: true},
	http.StatusNotFound:                    {refused: true},
	http.StatusMethodNotAllowed:            {refused: true},
	http.StatusRequestEntityTooLarge:       {refused: true},
	http.StatusRequestHeaderFieldsTooLarge: {refused: true},

	// A forward proxy did not accept the credentials for it, and passed nothing on.
	http.StatusProxyAuthRequired: {refused: true, unavailable: true},
	// A proxy did not get the whole request in time. It may have passed a part of
	// an upload on.
	http.StatusRequestTimeout: {unavailable: true},
	// The request reached a server that does not serve this host. RFC 9110
	// (section 15.5.20) lets a client repeat it elsewhere.
	http.StatusMisdirectedRequest: {refused: true, unavailable: true},
	// The server did not want to act on a request that may be a replay (RFC 8470,
	// section 5.2).
	http.StatusTooEarly: {refused: true, unavailable: true},
	// A rate limit applies before a server acts.
	http.StatusTooManyRequests: {refused: true, unavailable: true},
}

// Unavailable reports whether the status comes from something in front of the API,
// such as a proxy whose peer is gone, or from a rate limit. Then another peer may
// accept the request. These are 407, 408, 421, 425, 429, a 404 without the API's
// error, and every status above 500: the API itself sends none of them.
// They do not prove that a request was not executed; see MayHaveExecuted.
//
// Statuses above 500 include those that are not standardised, such as 509, 520 to
// 527 and 530 (Cloudflare), 529 (overloaded), 561 (AWS), 598 and 599 (timeouts
// behind a proxy). A proxy that sends 502, 503, 504 or one of these may have
// passed the request on before.
func (e *Error) Unavailable() bool {
	if e.Status == http.StatusNotFound {
		return !errors.Is(e, ErrNotFound)
	}
	return e.Status > http.StatusInternalServerError || statusRules[e.Status].unavailable
}

// IsForeign reports whether the response is a 404 or a 500 that does not come from the
// cluster's API, because its body does not have the API's error.
func (e *Error) IsForeign() bool { return errors.Is(e.Err, errForeign) }
