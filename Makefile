# `make run` and `make test` create what they need; nothing else has to be set up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-all lint clean

run: $(VENV)/installed
	$(BIN)/hwdigitize run samples --out results

test: $(VENV)/installed-dev
	$(BIN)/pytest -q -m "not slow"

test-all: $(VENV)/installed-dev lint
	$(BIN)/pytest -q

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[train,cluster,dev]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build *.egg-info results .pytest_cache .mypy_cache .ruff_cache
