#!/usr/bin/env bash
# Writes the two lock files anew from pyproject.toml: exact versions with hashes, naming no package index.
# Needs uv (https://docs.astral.sh/uv/); run it through `make lock`.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="make lock"
common=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet "$@")
uv pip compile pyproject.toml --extra embedded "${common[@]}" --output-file deploy/requirements.lock
uv pip compile pyproject.toml --extra embedded --group dev --constraint deploy/requirements.lock \
  "${common[@]}" --output-file deploy/requirements-dev.lock
