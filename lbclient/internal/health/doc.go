// Package health decides which traffic an endpoint receives. It has no goroutines, makes
// no calls and reads no clock: its callers pass in outcomes and times. Times are relative
// to any fixed moment, the same for all calls.
//
// A [Machine] is the state machine of one endpoint:
//
//	admitted ──failures──▶ ejected ──good probe──▶ eligible ──good trial──▶ admitted
//	                        ▲  └─bad probe: longer     │
//	                        └────────bad trial─────────┘
//
// An admitted endpoint receives its share of the calls. An ejected one receives only
// probes, unless all endpoints are ejected. An eligible one has answered a probe and
// receives one call as a trial.
//
// [Silence] decides when an endpoint is asked whether it is alive, and when it is dead.
// [SlowStart] reduces the weight of an endpoint after its readmission. [Window] counts the
// events of the last seconds.
package health
