# Everything a person or CI types. `make help` lists it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: $(READY) ## make the virtual environment from the lock

# The lock names every package with its hashes; nothing else is installed.
$(READY): locks/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: setup ## the main job: a surge, an outage, a verdict; with the gateway and without
	$(BIN)/python -m loadtests demo

.PHONY: test
test: check ## every check and every test
	$(BIN)/python -m pytest

.PHONY: check
check: setup ## lint, format, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: setup ## let the formatter and the linter mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every row of docs/faults.md is tried and the page written, whatever comes of it.
FAULTS := runs/faults
TRY := $(BIN)/python -m pytest -q --fault-results=$(FAULTS)
.PHONY: faults
faults: setup ## try every fault of the campaign and write docs/faults.md (some minutes)
	mkdir -p $(FAULTS) && rm -f $(FAULTS)/*.json
	-$(TRY)/all.json
	$(BIN)/python -m tests.faults $(FAULTS)/all.json > docs/faults.md

# What takes longest, each in a process of its own: they mostly wait.
LONG := tests/faults/test_kills.py tests/faults/test_images.py tests/acceptance/test_outage.py
.PHONY: faults-long
faults-long: setup ## the same at full length: 500 kills, 500 crash images (half an hour)
	mkdir -p $(FAULTS) && rm -f $(FAULTS)/*.json
	-export ENROLLMENT_FAULTS_WHOLE=1; \
	$(TRY)/kills.json tests/faults/test_kills.py & $(TRY)/images.json tests/faults/test_images.py & \
	$(TRY)/outage.json tests/acceptance/test_outage.py & \
	$(TRY)/others.json $(LONG:%=--ignore=%); wait
	ENROLLMENT_FAULTS_WHOLE=1 $(BIN)/python -m tests.faults $(FAULTS)/*.json > docs/faults.md

SEED ?=
COUNT ?= 10000

.PHONY: simulate
simulate: setup ## whole histories from 10,000 seeds (COUNT=…); SEED=… prints one of them
	$(BIN)/python -m simulation $(if $(SEED),replay $(SEED),seeds --count $(COUNT))

# Scenario, time scale and seed: what is short stays at full length.
AGREEING := $(foreach seed,1 2 3,five-minute-outage:0.2:$(seed) morning-surge:0.2:$(seed)) \
	retry-storm:1:1 capacity-halves:1:1
part = $(word $(1),$(subst :, ,$(2)))
.PHONY: agreement
agreement: setup ## scenarios for real and under virtual time, side by side (an hour)
	rm -rf runs/agreement
	-$(foreach each,$(AGREEING),$(BIN)/python -m loadtests run $(call part,1,$(each)) \
		--time-scale $(call part,2,$(each)) --seed $(call part,3,$(each)) \
		--out runs/agreement/$(subst :,-,$(each));)
	$(BIN)/python -m simulation agreement runs/agreement/*

.PHONY: season
season: setup ## 155,000 enrollments at small packets through the gateway (some minutes)
	$(BIN)/python -m loadtests run season

ALL := gateway,direct,nginx,haproxy,caddy,traefik,envoy
COMPARED := five-minute-outage morning-surge
.PHONY: compare-peers
compare-peers: setup ## the same surges through this gateway, five proxies, and nothing (40 minutes)
	rm -rf runs/compare
	for scenario in $(COMPARED); do \
		$(BIN)/python -m loadtests compare $$scenario --via $(ALL) --at-once --time-scale 0.2 --seeds 3 \
			--out runs/compare/$$scenario; \
		cp runs/compare/$$scenario/comparison.md docs/comparison/$$scenario.md || exit 2; \
	done

.PHONY: observe
observe: setup ## Prometheus and Alertmanager watch a five-minute outage; every dashboard asked, and drawn
	$(BIN)/python -m tests.grafana.live

.PHONY: bench-scrape
bench-scrape: setup ## what a look at the metrics costs with 0, 155,000 and 1,000,000 waiting
	$(BIN)/python -m benchmarks.scrape

.PHONY: bench-postgres
bench-postgres: setup ## what the journal on PostgreSQL costs, beside SQLite and plain inserts (some minutes)
	$(BIN)/python -m benchmarks.shared_journal

# One kind alone: make cluster KIND=primary (or gateway_killed, gateway_stopped).
CLUSTER := runs/cluster
KIND ?= test_a_
.PHONY: cluster
cluster: setup ## 20 seeds each: a primary killed, a gateway killed, a gateway stopped (half an hour)
	-ENROLLMENT_CLUSTER_SEEDS=20 ENROLLMENT_CLUSTER_RESULTS=$(CLUSTER) \
	$(BIN)/python -m pytest -q -s tests/acceptance/test_group.py -k "$(KIND)"
	$(BIN)/python -m tests.acceptance.seeds_page $(CLUSTER) > docs/cluster.md

.PHONY: bench
bench: setup ## what it costs, against bare limits in the same run (half an hour; needs wrk)
	$(BIN)/python -m benchmarks --write $(foreach number,1 2 5 6 7 8 9 10,--figure $(number))

.PHONY: bench-peers
bench-peers: setup ## the same against nginx, HAProxy, Caddy, Traefik and Envoy, on one core each
	$(BIN)/python -m benchmarks --write --figure 3 --figure 4

.PHONY: bench-harness
bench-harness: setup ## is the load harness right, and how much can it send? (twenty minutes)
	$(BIN)/python -m benchmarks.harness

.PHONY: privacy
privacy: setup ## send 1,000 made-up people through, then search all that is left for them
	$(BIN)/python -m pytest -q tests/privacy

MINUTES ?= 60
.PHONY: fuzz
fuzz: setup ## odd bytes at paths, headers and both listeners: make fuzz MINUTES=60
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)
	ENROLLMENT_SCHEMATHESIS_EXAMPLES=500 $(BIN)/python -m pytest -q tests/acceptance/test_openapi.py

.PHONY: audit
audit: setup ## are there known vulnerabilities in what is installed? (no answer is a failure)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r locks/tracing.lock
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r locks/loadtests.lock

# dev: everything, for people and CI; the others: what an image needs, in the same versions.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header pyproject.toml

.PHONY: lock
lock: setup ## resolve the dependencies again, with hashes
	$(LOCK) --upgrade --extra dev -o locks/dev.lock
	$(LOCK) --constraint locks/dev.lock -o locks/gateway.lock
	$(LOCK) --constraint locks/dev.lock --extra tracing -o locks/tracing.lock
	$(LOCK) --constraint locks/dev.lock --extra loadtests -o locks/loadtests.lock

.PHONY: clean
clean: ## remove what the targets made
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
