# Targets for contributors. CI runs .ci/run.
GO ?= go
FUZZTIME ?= 10s

.PHONY: help build test short later machines race lint vulncheck fuzz bench quickstart cluster doc ci clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

build: ## compile everything
	$(GO) build ./... $$(.ci/contrib)
	for module in test/kubedns test/oracle test/rules; do (cd $$module && GOWORK=off $(GO) vet ./...) || exit; done

test: ## run all tests
	.ci/test

race: ## run all tests under the race detector
	CGO_ENABLED=1 .ci/test -race

short: ## run only the quick tests, within a minute
	.ci/test -short

later: ## run all tests with the wall clock ten years ahead
	.ci/later

machines: ## run the tests under conditions of other machines (LINE="tz user"; see .ci/machines)
	.ci/machines $(LINE)

lint: ## gofmt, golangci-lint and actionlint, in the versions that tools/ pins
	.ci/lint

vulncheck: ## check the called code for known vulnerabilities, with vuln.go.dev
	vulncheck=$$(GOWORK=off $(GO) tool -modfile=tools/go.mod -n govulncheck) && $$vulncheck ./... $$(.ci/contrib)

fuzz: ## run each fuzz target for FUZZTIME (10s)
	.ci/fuzz $(FUZZTIME)

bench: ## compare the benchmarks with the base commit (BASE=…), by benchstat
	.ci/bench $(BASE)

quickstart: ## add a small site to an in-process cluster
	$(GO) run ./examples/quickstart

cluster: ## serve a cluster of three peers on 127.0.0.1:9094, 9194, 9294
	$(GO) run ./test/devcluster

doc: ## print the documentation of the main packages
	@for p in api config transport transport/p2p client strategy lbclient pinset; do $(GO) doc ./$$p; done

ci: ## run what CI runs
	.ci/run

clean: ## expire the cached results of tests
	$(GO) clean -testcache
