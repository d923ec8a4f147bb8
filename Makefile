# Everything starts here; nothing is needed first but Python >= 3.11 and make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
STATE  ?= var

.PHONY: help run test dev check check-thorough bench bench-accuracy bench-scale pictures servers words lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: $(READY) servers  ## set up, then the lab (Prometheus, Alertmanager) and the daemon; Ctrl-C stops all
	@exec $(BIN)/incidentd lab up --dir $(STATE)

test: $(READY) servers  ## set up, then every test
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

dev: $(READY)  ## .venv with exact versions, no servers

check: $(READY)  ## format, lint, types, import rules, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n 2 tests/unit tests/property -m "not slow" --hypothesis-profile=quick

check-thorough: $(READY)  ## the property tests with thousands of random histories each
	$(BIN)/python -m pytest -q -n 2 tests/property --hypothesis-profile=thorough --timeout=0

bench: $(READY) servers  ## the benchmarks, each with ratios against a peer measured in the same run
	$(BIN)/python -m bench.storm

bench-scale: $(READY)  ## what a decision costs on estates of growing size; ARGS=... for larger ones
	$(BIN)/python -m bench.diagnosis_scale $(ARGS)

bench-accuracy: $(READY)  ## how often the failed component is named right; CASES=DIR adds recorded cases, ARGS=... more
	$(BIN)/python -m bench.accuracy $(if $(CASES),--cases $(CASES)) $(ARGS)

pictures: $(READY)  ## the pictures of docs/notices.md anew, from the lab's own decisions (needs Chromium)
	$(BIN)/python -m bench.notice_pictures

servers:  ## real Prometheus, Alertmanager, PostgreSQL, Dovecot and Chromium, where Debian's packages can be installed
	@bash tests/servers.sh

words: $(READY)  ## bring the catalogues in notifiers/locale up to date with what notices say
	$(BIN)/pybabel -q extract -F pyproject.toml -k marked --no-location --sort-output -o $(VENV)/messages.pot .
	@for file in notifiers/locale/*/messages.po; do language=$$(basename $$(dirname $$file)); \
	  $(BIN)/pybabel -q update -i $(VENV)/messages.pot -o $$file -l $$language -w 110 \
	    --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date; done

lock: $(READY)  ## pin every dependency anew, with hashes (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (a minute or two) ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "incidentd needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:  ## remove what was made here
	rm -rf $(VENV) $(STATE) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
