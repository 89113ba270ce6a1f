# The two commands of the README: `make demo` and `make test`. Each sets up .venv by itself.
PYTHON ?= python3
PY := .venv/bin/python
# torch first and pinned: a plain `torch` may pull gigabytes of CUDA.
TORCH := torch==2.13.0

.PHONY: help setup demo test test-all lint bench-core clean

help:
	@echo "make demo        compress an ensemble on real data (letter, churn), then search over temperature"
	@echo "make test        the fast tests"
	@echo "make test-all    the fast and the slow tests"
	@echo "make lint        ruff and mypy"
	@echo "make bench-core  speed and memory of the main path, as ratios"

setup: .venv/.ready

.venv/.ready: pyproject.toml Makefile
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet "$(TORCH)"
	$(PY) -m pip install --quiet --editable ".[test]"
	touch $@

demo: setup
	$(PY) examples/compress_ensemble.py

test: setup
	$(PY) -m pytest

test-all: setup
	$(PY) -m pytest -m "slow or not slow"

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench-core: setup
	$(PY) benchmarks/bench_core.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
