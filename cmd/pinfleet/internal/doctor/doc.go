// Package doctor examines the endpoints of a cluster one by one and describes what is
// wrong, why it matters and what to do about it.
//
// [Run] asks every endpoint by itself, all of them at the same time, and then compares
// their answers. Each check has a time limit, and an endpoint that has not answered one
// check is not asked for the next, so that Run ends in bounded time. The checks only
// read, except for the upload check: it adds a file of random bytes through each
// endpoint and unpins it. [Options.ReadOnly] turns the upload check off.
package doctor
