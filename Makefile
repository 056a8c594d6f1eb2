# Tidegauge. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO ?= go
# Where downloads are kept, outside the tree, so that `make clean` and a second clone do not fetch them again.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tidegauge
SHA256 := $(if $(shell command -v sha256sum),sha256sum,shasum -a 256)
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

# Recorded logs and an independent reference to compare with. They are not part of the project; where the folder is
# there, the tests use them.
SHARED ?= ../shared
ifneq ($(wildcard $(SHARED)/data),)
export TIDEGAUGE_TEST_DATA := $(abspath $(SHARED)/data)
endif
ifneq ($(wildcard $(SHARED)/reference/characterize.py),)
REFERENCE := .cache/python/stamp
export TIDEGAUGE_REFERENCE := $(abspath $(SHARED)/reference)
export TIDEGAUGE_REFERENCE_PYTHON := $(abspath .cache/python/bin/python)
endif

##@ Use it

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z_-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: build engine ## a sample log (or TRACE=path, or PROFILE=burstgpt) through broker, processors and ClickHouse
	bin/tidegauge demo $(if $(TRACE),--trace "$(TRACE)") $(if $(PROFILE),--profile "$(PROFILE)")

.PHONY: up
up: build engine ## the whole pipeline on this machine, until Ctrl-C (ARGS=... adds flags)
	bin/tidegauge up $(ARGS)

.PHONY: build
build: ## bin/tidegauge
	$(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.release=$(VERSION)' -o bin/tidegauge ./cmd/tidegauge

##@ Services that are downloaded, pinned and checked, and cached

.PHONY: engine
engine: build ## the embedded ClickHouse engine (about 180 MB once)
	bin/tidegauge engine fetch

KAFKA_VERSION := $(shell sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' deploy/kafka/pom.xml)
KAFKA_JARS := $(CACHE)/kafka/$(KAFKA_VERSION)

.PHONY: kafka
kafka: $(KAFKA_JARS)/SHA256SUMS ## an Apache Kafka for the tests, from Maven (54 MB once)

# The list of checksums is copied last: where it is, every jar has been checked. A jar more or less than listed fails too.
$(KAFKA_JARS)/SHA256SUMS: deploy/kafka/SHA256SUMS deploy/kafka/pom.xml
	rm -rf "$(KAFKA_JARS)" "$(KAFKA_JARS).new"
	mkdir -p "$(KAFKA_JARS).new"
	mvn --batch-mode --quiet --strict-checksums -Dstyle.color=never -f deploy/kafka/pom.xml \
		dependency:copy-dependencies -DoutputDirectory="$(KAFKA_JARS).new"
	cd "$(KAFKA_JARS).new" && $(SHA256) -c "$(abspath deploy/kafka/SHA256SUMS)" > check.log || \
		{ grep -v ': OK$$' check.log; exit 1; }
	cd "$(KAFKA_JARS).new" && diff <(ls -- *.jar | LC_ALL=C sort) <(awk '{ print $$2 }' "$(abspath deploy/kafka/SHA256SUMS)")
	rm "$(KAFKA_JARS).new/check.log"
	mv "$(KAFKA_JARS).new" "$(KAFKA_JARS)"
	cp deploy/kafka/SHA256SUMS "$@"

##@ The data source plugin for Grafana

DATASOURCE := dashboards/datasource
PACKAGES := $(DATASOURCE)/node_modules/.package-lock.json
NPM := npm --prefix $(DATASOURCE)

.PHONY: plugin
plugin: plugin-backend plugin-frontend ## the plugin, checked, tested and built, in dashboards/datasource/dist

.PHONY: plugin-frontend
plugin-frontend: $(PACKAGES) ## its front end: lint, types, unit tests, build
	$(NPM) run --silent lint
	$(NPM) run --silent typecheck
	$(NPM) run --silent test
	$(NPM) run --silent build

.PHONY: plugin-browser
plugin-browser: $(PACKAGES) ## its editors in a real browser (Debian's chromium, or CHROMIUM=path)
	mkdir -p $(DATASOURCE)/.cache
	$(GO) run ./$(DATASOURCE)/harness > $(DATASOURCE)/.cache/catalogue.json
	$(NPM) run --silent browser

# npm checks every package against the lock file. No package's own scripts run.
$(PACKAGES): $(DATASOURCE)/package-lock.json $(DATASOURCE)/.npmrc
	$(NPM) ci --loglevel=error --prefer-offline --ignore-scripts --no-audit --no-fund
	touch $@

# GOOS and GOARCH choose for which machine. Grafana looks for this name beside plugin.json.
.PHONY: plugin-backend
plugin-backend: ## its backend, in dashboards/datasource/dist (GOOS and GOARCH for another machine)
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' \
		-o "$(DATASOURCE)/dist/gpx_tidegauge_serving_$$($(GO) env GOOS)_$$($(GO) env GOARCH)$$($(GO) env GOEXE)" ./$(DATASOURCE)/pkg

##@ Change it

# -count=1: a test of a service is not repeated by the cache's word. make vet has vetted all; and without tables for debuggers, test
# binaries are linked in two thirds of the time.
LANE := -count=1 -timeout 15m -vet=off -ldflags='-s -w'

# The linter, the tests of Go and those of the plugin's front end run beside each other: the tests wait much of their time, for
# sessions to end, for downloads and a browser.
.PHONY: test
test: format vet services bin/withkafka $(REFERENCE) ## everything: format, vet, lint, all tests with real services, race detector
	$(MAKE) --no-print-directory --jobs=3 --output-sync=line lint go-tests $(FRONTEND_TESTS)

.PHONY: go-tests
go-tests: bin/withkafka
	bin/withkafka $(MAKE) --no-print-directory --jobs=1 race full

.PHONY: frontend-tests
frontend-tests:
	$(MAKE) --no-print-directory --jobs=1 plugin-frontend plugin-browser

# Both run with the real Kafka and engine where they are installed. Under the race detector -short leaves out what takes tens of
# seconds, and testenv.Sequential what has nothing to race with.
.PHONY: race
race: ## tests with the race detector, without the longest
	$(GO) test $(LANE) -race -short $(CONCURRENT)

# The packages that start goroutines, in code or in tests. The others have nothing to race with; and the tests of commands run a
# program that is built without the detector.
CONCURRENT = $(shell $(GO) list -f '{{.ImportPath}} {{.Dir}}' ./... | grep -v /cmd/ | while read -r package folder; do \
	if grep -qE '\bgo func|errgroup|WaitGroup|RunParallel' "$$folder"/*.go; then echo "$$package"; fi; done)

.PHONY: full
full: ## all tests, without the race detector
	$(GO) test $(LANE) ./...

.PHONY: chaos
chaos: services $(REFERENCE) ## kill, stop and starve what the pipeline runs on, for eight minutes, and count what is lost
	$(GO) test -count=1 -timeout 30m -v -run '^TestChaos$$' ./integration -args -chaos.long

.PHONY: long
long: services $(REFERENCE) bin/withkafka ## tests of random cases with ten times as many of them, also under the race detector; an hour or more
	TIDEGAUGE_TEST_LONG=1 bin/withkafka $(GO) test -count=1 -timeout 60m ./...
	TIDEGAUGE_TEST_LONG=1 bin/withkafka $(GO) test -race -short -count=1 -timeout 60m $(CONCURRENT)

.PHONY: unit
unit: ## the quick tests of changed packages, cached
	$(GO) test -short ./...

.PHONY: format
format: ## is every file formatted as gofmt does?
	@unformatted=$$(gofmt -l .); \
		if [ -n "$$unformatted" ]; then echo "run make fmt; not formatted:"; echo "$$unformatted"; exit 1; fi

.PHONY: fmt
fmt: ## format
	gofmt -w .

.PHONY: vet
vet: ## go vet, also of bench, which runs on Linux alone
	$(GO) vet ./...
	GOOS=linux $(GO) -C bench vet ./...

.PHONY: lint
lint: bin/golangci-lint ## golangci-lint, and docker-compose.yml against its schema
	bin/golangci-lint run
	cd bench && GOOS=linux ../bin/golangci-lint run --config ../.golangci.yml
	$(if $(filter Linux,$(shell uname)),$(GO) -C bench test ./...)
	$(GO) -C tools test ./...

.PHONY: bench
bench: build engine kafka .cache/bench/python/stamp ## Tidegauge against others and its own targets (ARGS="drain" for a part; see bench/README.md)
	$(GO) -C bench run . $(or $(ARGS),all)

.PHONY: gobench
gobench: ## the Go benchmarks beside the code (BENCH=regexp for some)
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem ./...

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME (default 10s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(or $(FUZZTIME),10s)' -fuzzminimizetime 1s "$$package"; \
		done; \
	done

.PHONY: clean
clean: ## remove what was built here (downloads stay in the user's cache)
	rm -rf bin .cache $(DATASOURCE)/dist $(DATASOURCE)/.cache $(DATASOURCE)/node_modules

# The front end is tested where npm is; with CI=true it has to be.
FRONTEND_TESTS := $(if $(or $(filter true,$(CI)),$(shell command -v npm)),frontend-tests)

# What the tests need from outside. With CI=true all of it must be there; elsewhere the tests skip what is missing.
.PHONY: services
ifeq ($(CI),true)
services: engine kafka
else
services:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory engine; \
		else echo "no npm: tests that need the ClickHouse engine are skipped unless it is cached"; fi
	@if command -v mvn > /dev/null && command -v java > /dev/null; then $(MAKE) --no-print-directory kafka; \
		else echo "no Maven or Java: tests that need an Apache Kafka are skipped unless it is cached"; fi
endif

bin/withkafka: $(wildcard testenv/*.go testenv/withkafka/*.go)
	$(GO) build -buildvcs=false -o $@ ./testenv/withkafka

# The linter is pinned with all its modules by tools/go.mod and tools/go.sum, and built here: about a minute and a half
# and 0.9 GB the first time, then Go's build cache has it.
bin/golangci-lint: tools/go.mod tools/go.sum
	$(GO) -C tools build -buildvcs=false -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.cache/python/stamp: testenv/requirements.txt
.cache/bench/python/stamp: bench/python/requirements.txt
.cache/python/stamp .cache/bench/python/stamp:
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	touch $@
