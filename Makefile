# Every target sets up what it needs; a second call installs nothing again.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys, venv, ensurepip; \
	(3, 11) <= sys.version_info < (3, 14) and print(sys.executable)' 2>/dev/null)))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check format bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## create .venv and install what requirements.txt pins

$(STAMP): requirements.txt pyproject.toml setup.py
	@if [ -z "$(PYTHON)" ]; then \
		echo 'tfnlp needs Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip.' >&2; \
		echo "Found: $$(python3 --version 2>&1). Install one, or say which: make setup PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(STAMP)

demo: setup ## train on a built-in set, then ask the artefact three times
	$(BIN)/python pipelines/text_classification.py --name demo --nb_prior.scale 1
	@echo
	$(BIN)/tfnlp predict saved_models/demo \
		--text 'A warm, funny and beautifully acted film.' \
		       'Two hours of my life that I will never get back.' \
		       'The plot is thin, but the cast makes up for it.'

PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal --durations=25

test: setup ## run the tests and doctests; the 25 slowest are printed last
	$(PYTEST) -m 'not long'

test-all: setup ## run every test: long proofs (soak, fuzz, kills, statistics) too
	$(PYTEST)

check: setup ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## rewrite the files as `check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measure; the tables of every benchmarks/*.py, also into runs/bench.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@[ -d saved_models/demo ] || $(MAKE) demo
	@mkdir -p runs
	@set -o pipefail; for script in benchmarks/*.py; do \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done | tee runs/bench.md

clean: ## remove the environment, caches and runs; artefacts stay
	rm -rf $(VENV) runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
