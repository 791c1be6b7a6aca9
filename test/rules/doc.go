// Package rules tests the dashboard and the alerting rules of contrib/prometheus with
// the storage and the query engine of Prometheus: no panel asks for a metric that
// does not exist, and each alert fires in the fault that it is for, and only then.
//
// It is a module of its own, because Prometheus has many dependencies and needs a
// newer Go than the SDK.
package rules
