# Everything here sets itself up: Python 3.11 or newer and make are all that must be there before.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DISTRIBUTIONS := shared services/assessment services/notifications services/packets services/signing
LOCKS := requirements/dev.txt requirements/uv.txt requirements/system.py $(DISTRIBUTIONS:%=%/pyproject.toml)

# Folders whose tests may run side by side, and those that have the machine for themselves.
PARALLEL := $(wildcard tests/unit tests/component tests/contract tests/journey tests/model tests/explore tests/simulation \
	tests/mutants)
SERIAL := $(wildcard tests/integration tests/faults tests/e2e)
JOBS ?= 2

# A name that is given is passed on, an empty one too: it is nobody's, and not everybody's.
only = $(if $(filter-out undefined,$(origin ONLY)),--only "$(ONLY)")

.DEFAULT_GOAL := help
.PHONY: help setup demo up down token test lint model explore simulate faults outages mutants fuzz programs lock lock-check \
	bench clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F '\t' '{ printf "  make %-11s %s\n", $$1, $$2 }'

demo: setup ## watch one review travel through the system; leaves its PDF, mails and events in var/demo
	@$(BIN)/python -m harness.demo

up: setup ## start the whole system with sample people and leave it running; var/up.json, var/up/env
	@$(BIN)/python -m harness.up

down: setup ## stop what `make up` started
	@$(BIN)/python -m harness.down

token: setup ## print a token for a person: make token WHO="anna", or WHO="<person id> [role…]"
	@$(BIN)/python -m harness.tokens $(WHO)

test: lint programs ## lint, then run every test
	@$(BIN)/pytest -n $(JOBS) --dist loadgroup $(PARALLEL) $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m model && $(BIN)/python -m explore --schedules 100000)
	@$(BIN)/pytest $(SERIAL) $(ARGS)

lint: setup lock-check ## look at the code: ruff, mypy, the import rules, undeclared dependencies, stale locks
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@for each in $(DISTRIBUTIONS); do (cd $$each && "$(CURDIR)/$(BIN)/deptry" src --no-ansi --ignore DEP002) || exit 1; done

model: setup programs ## check the protocol's model and its seeded mistakes; ALL=1 for every size, ONLY=name takes one
	@$(BIN)/python -m model $(if $(ALL),--all) $(only)

explore: setup ## every state of the shipped domain within bounds, always; beyond, SCHEDULES=100000 at random
	@$(BIN)/python -m explore $(if $(SCHEDULES),--schedules $(SCHEDULES))

simulate: setup ## whole services under seeded faults in one thread; SEEDS=3000 for more, SEED=7 replays one, WORKERS=n
	@$(BIN)/python -m simulation $(if $(WORKERS),--workers $(WORKERS)) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),3000))

faults: setup ## kill, stop and cut off real processes under load; KILLS=200, half as many others; var/faults/report.md
	@$(BIN)/python -m faults --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

outages: setup ## an hour without each of assessment, packets, the broker and PostgreSQL, in a minute each
	@$(BIN)/python -m faults --outages

mutants: setup ## seed bugs into copies of the services and see each found; ONLY=name takes one, WRITE=1 notes them
	@$(BIN)/python -m mutants --jobs $(JOBS) $(only) $(if $(WRITE),--write)

fuzz: setup ## send made-up requests to every operation; CASES=20000
	@FUZZ_CASES=$(or $(CASES),20000) $(BIN)/pytest tests/journey/test_fuzz.py -q

lock: setup ## resolve requirements/*.txt anew; UPGRADE=1 takes the newest versions
	@$(BIN)/python requirements/lock.py $(if $(UPGRADE),--upgrade)

lock-check: setup
	@$(BIN)/python requirements/lock.py --check

bench: setup ## measure, beside raw baselines, into var/bench; ONLY=idle runs one
	@$(BIN)/python -m bench $(ONLY)

clean: ## remove what was made: the environment, caches in the tree, var
	rm -rf $(VENV) var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find shared services tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(READY)
	@$(BIN)/python requirements/system.py

programs: setup
	@$(BIN)/python requirements/system.py model

# The stamp is older than a lock: install exactly what is locked, then the five distributions as links into the tree.
$(READY): $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the locked requirements into $(VENV), about 100 MB where they are not cached; then it goes on"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(DISTRIBUTIONS:%=-e %)
	@$(BIN)/python -c 'import site; print("$(CURDIR)/tests", file=open(site.getsitepackages()[0] + "/review_tests.pth", "w"))'
	@touch $@
