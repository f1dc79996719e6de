# Everything a stranger needs: python3, pip and make. `make help` lists the targets.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
RUN     = $(BIN)/python -m breakeven
PROFILE ?= configs/reference.yaml
PIP     = $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test check lint types architecture format bench calibrate docs lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## set up and run the main job: make run [PROFILE=configs/reference.yaml]
	@$(RUN) run $(PROFILE)

test: $(VENV)/.dev ## set up and run every test
	@$(BIN)/python -m pytest tests

check: lint types architecture ## lint, types and architecture

lint: $(VENV)/.dev
	@$(BIN)/ruff check breakeven tests scripts benchmarks

types: $(VENV)/.dev
	@$(BIN)/mypy breakeven

architecture: $(VENV)/.dev
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/lint-imports

format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff format breakeven tests scripts benchmarks
	@$(BIN)/ruff check --fix breakeven tests scripts benchmarks

bench: $(VENV)/.dev ## benchmarks, each against a peer or a physical limit in the same run
	@for f in benchmarks/bench_*.py; do echo "== $$f"; $(BIN)/python $$f || exit 1; done

calibrate: $(VENV)/.dev ## refit the serving model and regenerate docs/accuracy.md
	@$(BIN)/python scripts/calibrate.py

docs: $(VENV)/.dev ## regenerate the generated documents and schemas
	@$(BIN)/python scripts/generate_docs.py

lock: $(VENV)/.dev ## renew the lock files in requirements/
	@$(PIP) install pip-tools
	@cd requirements && for n in run dev; do $(abspath $(BIN))/pip-compile --quiet --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-annotate --no-header \
	  --upgrade -o $$n.txt $$n.in || exit 1; done

clean: ## remove the environment and caches
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "breakeven needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q breakeven
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q breakeven
	@touch $@ $(VENV)/.run
