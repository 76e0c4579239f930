# The front door. `make` lists what there is; everything else is behind these names.

VENV    := .venv
PYTHON_ := $(VENV)/bin/python
PORTAL  := $(VENV)/bin/portal

DEMO_APPLICANTS ?= 2000
DEMO_SERVE      ?= 1
DEMO_HOST       ?=
DEMO_PORT       ?=
BENCH           ?= students --count 2000 --database sqlite --workers 2
SOAK            ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-programs demo demo-reset run test check format e2e bench soak docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with what the portal needs (PYTHON=… chooses the interpreter)
	@PYTHON="$(PYTHON)" requirements/install.sh base

setup-dev:
	@PYTHON="$(PYTHON)" requirements/install.sh dev

setup-programs:
	@requirements/install.sh programs

demo: setup ## a demo university, then the panel (DEMO_APPLICANTS DEMO_SERVE=0 DEMO_HOST DEMO_PORT)
	@$(PORTAL) demo --applicants $(DEMO_APPLICANTS) \
	  $(if $(filter 0 no,$(DEMO_SERVE)),--no-serve) \
	  $(if $(DEMO_HOST),--host $(DEMO_HOST)) $(if $(DEMO_PORT),--port $(DEMO_PORT))

demo-reset: setup ## delete the demo university
	@$(PORTAL) demo --reset

run: setup ## an empty portal: queue server, web, workers, relay (Ctrl-C stops all)
	@$(PORTAL) run

test: setup-dev setup-programs ## every check and test, with the time of each folder
	@$(PYTHON_) tests/budget.py

check: setup-dev ## format, lint, types, layers, documentation
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PYTHON_) docs/generate.py --check

format: setup-dev ## let ruff format the code and mend what it can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

e2e: setup-dev setup-programs ## only the walks with real workers and the browser tests
	$(PYTHON_) -m pytest -n 2 --dist loadgroup tests/walks tests/browser

bench: setup-dev ## measure (BENCH="students --count 10000 --database postgresql --workers 2")
	$(PYTHON_) -m benchmarks $(BENCH)

soak: setup-dev ## kill processes at random and at every named point; prove that nothing is lost
	$(PYTHON_) -m tests.walks.soak $(SOAK)
	$(PYTHON_) -m tests.walks.soak_scores $(SOAK)
	$(PYTHON_) -m tests.external_plugin.soak_festival

docs: setup-dev ## write the reference pages from the code
	$(PYTHON_) docs/generate.py

lock: ## compile requirements/*.txt anew (needs uv; UPGRADE=1 takes newer releases)
	@requirements/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove caches and the virtual environment; PORTAL_HOME stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
