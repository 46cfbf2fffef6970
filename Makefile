# Every target sets up what it needs by itself; nothing has to be prepared.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults check format schemas lock servers clean

help:  ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): pyproject.toml deploy/requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "im-gateway needs Python 3.11 or later; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(READY)  ## Virtual environment and dependencies, in .venv

demo: $(READY)  ## The main job on the embedded default: 300 and more messages on three providers
	$(BIN)/imgw demo

servers:  ## RabbitMQ and promtool from Debian's packages, when missing and the user may
	@tests/servers/install.sh

test: $(READY) servers  ## Every test, real servers included; but for the faults, see there
	$(BIN)/pytest -m "not faults"

faults: $(READY) servers  ## The tests that kill, cut and restart things under load; being completed
	$(BIN)/pytest -m faults

check: $(READY)  ## Format, lint, types, imports, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/imgw generate --check

format: $(READY)  ## Put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(READY)  ## Write config/schema and the generated parts of the README anew
	$(BIN)/imgw generate

lock:  ## Write deploy/requirements*.lock anew from pyproject.toml (needs uv)
	deploy/lock.sh

clean:  ## Remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
