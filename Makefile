# The two commands of the README: `make demo` and `make test`. Each sets up .venv by itself.
PYTHON ?= python3
PY := .venv/bin/python
# torch first and pinned: left to the resolver, it may bring gigabytes of CUDA packages.
TORCH := torch==2.13.0
SPHINX := OMP_NUM_THREADS=1 $(PY) -m sphinx -W --keep-going -q -d docs/_build/doctrees

# Two halves of the tests, and the docs, share the cores: each on one thread.
MAKEFLAGS += -j3
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -q

.PHONY: help setup demo test test-first test-second test-all test-oldest lint bench-core bench-training bench-fidelity \
	bench-fidelity-quick bench-extra bench-recipe bench-few-rows bench-regression bench-scoring bench-search bench-knowledge bench-loops bench-scale bench-commit profile docs docs-gallery dist clean

help:
	@echo "make demo        compress an ensemble on real data (letter, churn), then search over temperature and alpha"
	@echo "make test        the fast tests, in two halves side by side"
	@echo "make test-all    the fast and the slow tests"
	@echo "make test-oldest the tests of the core with the oldest dependencies that are allowed"
	@echo "make lint        ruff and mypy"
	@echo "make docs        build the documentation, run its code and four examples; warnings are errors"
	@echo "make docs-gallery the same pages, with all examples executed (minutes)"
	@echo "make bench-core  speed and memory of the main path, as ratios"
	@echo "make bench-training  teacher fits of a search, speed and memory of training"
	@echo "make bench-fidelity  what the student keeps of the teacher, every bar; hours, goes on if stopped"
	@echo "make bench-loops  schemes with a training loop of their own, beside their controls; hours, goes on if stopped"
	@echo "make bench-scale  rows in files and in engines: speed, memory and growth; hours, goes on if stopped"
	@echo "make bench-fidelity-quick  the same on four data sets and one seed, under 20 minutes"
	@echo "make bench-extra  install the extra bench: RealMLP and TabM, which are not measured without"
	@echo "make bench-recipe  what the recipe of the default student was chosen on; hours, goes on if stopped"
	@echo "make bench-few-rows  300 rows: folds against nothing held out, 10 minutes"
	@echo "make bench-regression  numbers and intervals against teacher, control and CatBoost; hours"
	@echo "make bench-search  a search and a ladder against as many fits, budgets that are met; an hour"
	@echo "make bench-knowledge  each kind of knowledge beside control and plain Hinton; hours, goes on if stopped"
	@echo "make bench-scoring  exported students: equal answers, speed, size"
	@echo "make bench-commit REF=<commit>  wall time of a default fit against another commit;"
	@echo "                 with DATA=all, seconds and loss of the student on the sets of bench-fidelity"
	@echo "make dist        wheel and source archive, built and checked"
	@echo "make profile     where the time of a fit goes"

setup: .venv/.ready

.venv/.ready: pyproject.toml Makefile
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet "$(TORCH)"
	$(PY) -m pip install --quiet --editable ".[test,docs]"
	touch $@

demo: setup
	$(PY) examples/compress_ensemble.py

test: test-first test-second

test-first: setup
	$(PYTEST) tests/test_[a-k]*.py

test-second: setup
	$(PYTEST) tests/test_[l-z]*.py

test-all: setup
	$(PY) -m pytest -m "slow or not slow"

# The lowest versions that pyproject.toml allows; their torch may bring gigabytes of CUDA packages.
OLDEST = $(shell sed -n '/^dependencies/,/^]/s/.*"\(.*\)>=\(.*\)".*/\1==\2.*/p' pyproject.toml)
OF_OLDEST := classifier encoding objectives regressor search student transfer

test-oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --editable . $(OLDEST) \
		hypothesis onnx onnxruntime polars pyarrow pytest skl2onnx skops xgboost
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest -q $(OF_OLDEST:%=tests/test_%.py)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench-core: setup
	$(PY) benchmarks/bench_core.py

bench-training: setup
	$(PY) benchmarks/bench_training.py

bench-fidelity: setup
	$(PY) benchmarks/bench_fidelity.py

bench-fidelity-quick: setup
	$(PY) benchmarks/bench_fidelity.py --quick

bench-extra: setup
	$(PY) -m pip install --quiet --editable ".[bench]"

bench-recipe: setup
	$(PY) benchmarks/bench_recipe.py

bench-few-rows: setup
	$(PY) benchmarks/bench_few_rows.py

bench-regression: setup
	$(PY) benchmarks/bench_regression.py

bench-knowledge: setup
	$(PY) benchmarks/bench_knowledge.py

bench-loops: setup
	$(PY) benchmarks/bench_loops.py

bench-scale: setup
	$(PY) benchmarks/bench_scale.py

bench-scoring: setup
	$(PY) benchmarks/bench_scoring.py $(if $(QUICK),--quick)

bench-search: setup
	$(PY) benchmarks/bench_search.py

bench-commit: setup
	$(PY) benchmarks/bench_commit.py $(REF) $(if $(DATA),--data $(DATA))

profile: setup
	$(PY) benchmarks/profile_fit.py

docs: setup
	$(SPHINX) -b html docs docs/_build/html
	$(SPHINX) -b doctest docs docs/_build/doctest

docs-gallery: setup
	SKDISTILL_GALLERY=1 $(SPHINX) -b html docs docs/_build/html

dist: setup
	$(PY) -m pip install --quiet build twine
	rm -rf dist build
	$(PY) -m build --outdir dist
	$(PY) -m twine check --strict dist/*

clean:
	rm -rf docs/_build docs/auto_examples docs/generated
	rm -rf .venv .venv-oldest build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
