// Package top shows a cluster live in a terminal: its endpoints with their state,
// latency and share of the calls, the pins by status, and what happens.
//
// A [Sampler] makes a small call to each endpoint, and as many that the load balancer
// distributes, in each interval. It lists the statuses of all pins less often, and spends
// at most a tenth of the time on it. [Run] shows what it has measured.
package top
