# Every target sets up what it needs by itself; nothing has to be prepared.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak bench check format schemas lock page servers clean

help:  ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml deploy/requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "im-gateway needs Python 3.11 or later; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r deploy/requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY)  ## Virtual environment and dependencies, in .venv

demo: $(READY)  ## The main job on the embedded default: 300 and more messages on three providers, and a chat in-app
	$(BIN)/imgw demo

servers:  ## RabbitMQ and promtool from Debian's packages, when missing and the user may
	@tests/servers/install.sh

test: $(READY) servers  ## Every test, with real servers, the fault tests in their short form included
	$(BIN)/pytest

soak: $(READY) servers  ## The fault tests in their long form: ROUNDS=1 SEED=any SCALE=long
	$(BIN)/python -m tests.faults.soak --rounds $(or $(ROUNDS),1) --scale $(or $(SCALE),long) \
	  $(if $(SEED),--seed $(SEED))

bench: $(READY) servers  ## What a message costs against the same work by hand, and how fast it goes: QUICK=1 for short
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

check: $(READY)  ## Format, lint, types, imports, generated files, names of providers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/imgw generate --check
	$(BIN)/pytest -q tests/unit/test_provider_names.py

format: $(READY)  ## Put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY)  ## Write config/schema and the generated parts of the README anew
	$(BIN)/imgw generate

lock:  ## Write deploy/requirements*.lock anew from pyproject.toml (needs uv)
	deploy/lock.sh

page:  ## The library of the web page in deploy/clients/web, where npm is installed
	cd deploy/clients/web && npm ci --ignore-scripts --no-audit --no-fund

clean:  ## Remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage deploy/clients/web/node_modules
