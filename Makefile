# Everything a person or CI does with this repository. `make help` lists it.

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
SHELL  := /bin/sh

.DEFAULT_GOAL := help
.PHONY: help setup up dev demo shell psql fix quick test full check chaos clients bench screenshots release lock clean
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Make .venv with the project and its tools in it (quick when it is there)
	@echo "Ready: $(BIN)/goatherd --help"

up: $(READY) ## Run Goatherd with demo creators at http://127.0.0.1:8000 (ARGS="--port 9000")
	@exec $(BIN)/goatherd up --demo $(ARGS)

dev: $(READY) ## The same, started again whenever code, templates or styles change
	@exec $(BIN)/goatherd up --demo --reload $(ARGS)

demo: $(READY) ## Run Goatherd with many invented creators (ARGS="--creators 5000 --port 9000")
	@exec $(BIN)/python -m tests.tools.many_creators $(ARGS)

shell: $(READY) ## Open a Python prompt with a store, a reader and the demo
	@exec $(BIN)/python -m tests.tools.shell $(ARGS)

psql: $(READY) ## Open psql on the database of a running make up (ARGS="-c '\\dt'")
	@exec $(BIN)/python -m tests.tools.psql $(ARGS)

fix: $(READY) ## Format the code, and repair what lint can repair
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

# Tests start Goatherd's processes by the hundred: compiled once, even where the
# environment says not to keep that. Tests wait half of their time, so twice as many
# processes as two cores run them. Files run in their order: reordered, those with
# a single test, which are the longest, would come last, and the others be idle.
PROCESSES ?= 4
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
SIDE_BY_SIDE := --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

quick: $(READY) ## Run the tests of the domain, folds and words, without servers (under a minute)
	@$(PYTEST) --without-servers $(ARGS) \
		tests/domain tests/projections tests/test_house.py tests/test_words.py

# Computers of CI differ threefold in speed, so that its budget only ends runs that hang.
test: $(READY) ## Run the tests (ARGS="-k handles -x")
	@$(PYTEST) $(SIDE_BY_SIDE) $(if $(CI),--budget 3600 --durations 25) $(ARGS)

full: $(READY) ## Run every test: ten minutes of kills and every drawn example, too
	@GOATHERD_TEST_FULL=1 $(PYTEST) $(SIDE_BY_SIDE) -m "not bench" $(ARGS)

check: $(READY) ## Formatting, lint, types, import rules, known vulnerabilities
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python infra/setup/audit.py

chaos: $(READY) ## Kill processes for ten minutes and see that nothing is lost (ARGS="--seconds 60")
	@$(BIN)/python -m tests.faults.chaos $(ARGS)

clients: $(READY) ## Generate four clients, check them, and use one (needs an index the first time)
	@$(BIN)/python -m tests.clients.run

bench: $(READY) ## Measure speed (minutes)
	@$(BIN)/python -m pytest -m bench -s $(ARGS)

screenshots: $(READY) ## Take the documents' pictures of the pages anew (needs a browser)
	@$(BIN)/python -m tests.browser.screenshots

release: $(READY) ## Build a release into dist/ and start it once (needs an index)
	@$(BIN)/python infra/setup/release.py

LOCKED := --universal --python-version 3.11 --upgrade --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

lock: $(READY) ## Pin every dependency of Python anew (needs an index)
	@$(BIN)/uv pip compile pyproject.toml --extra pdf --group dev \
		$(LOCKED) --output-file requirements.lock
	@echo openapi-python-client | $(BIN)/uv pip compile - \
		$(LOCKED) --output-file tests/clients/requirements.lock
	@echo cyclonedx-bom | $(BIN)/uv pip compile - \
		$(LOCKED) --output-file infra/setup/release.lock

clean: ## Remove what make made; .goatherd (your data) stays
	@rm -rf api/web/frontend/node_modules api/web/static/vendor application/rendering/vendor
	@rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is younger than all these files when nothing changed, so this runs once.
$(READY): pyproject.toml requirements.lock infra/setup/install.py api/web/frontend/package-lock.json api/web/frontend/vendor.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Goatherd needs Python 3.11 or newer, and $(PYTHON) is not. Name one that is: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Setting up .venv (under a minute the first time)" >&2
	@test -x $(BIN)/python && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| $(PYTHON) -m venv --clear .venv \
		|| { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python infra/setup/install.py
	@touch $@
