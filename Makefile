# Needs Python 3.11 or newer and Node.js 20.19 or newer, nothing else. `make help` lists what there is.
#   make lab ARGS=--no-browser     words for JupyterLab
#   make test PARTS="lint python"  only these parts
#   make lab PYTHON=python3.12     another Python for .venv
#   make course ARGS="--seed 'our secret'"  hidden tests of one's own

PYTHON ?= python3
ARGS ?=
PARTS ?=

BIN := .venv/bin
# A person whose notebooks run as root is in a container; anywhere else Jupyter's refusal stands.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help lab test lint format build wheel course rehearsal peers bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: ## install what is missing, then open JupyterLab on the course
	@$(PYTHON) tools/prepare.py
	@echo "==> Starting JupyterLab on notebooks/; its address follows. Stop it with Ctrl-C."
	@exec $(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)/notebooks" $(AS_ROOT) $(ARGS)

test: ## install what is missing, then run every test
	@$(PYTHON) tools/prepare.py --until peers
	@exec $(BIN)/python tools/run_tests.py $(PARTS)

lint: ## ruff, mypy, eslint, prettier, tsc
	@$(PYTHON) tools/prepare.py --until package
	@exec $(BIN)/python tools/run_tests.py lint front-lint

format: ## put Python and TypeScript into the one format
	@$(PYTHON) tools/prepare.py --until package
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@cd labextension && npm run --silent lint:fix

build: ## build the views and the labextension, and install the package
	@$(PYTHON) tools/prepare.py --until package

wheel: build ## write the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation

course: ## build the teacher's and the student's copies of the labs from their masters
	@$(PYTHON) tools/prepare.py --until package
	@$(BIN)/python -m tools.course $(ARGS)

rehearsal: ## take a made-up class through handing in, grading and feedback
	@$(PYTHON) tools/prepare.py
	@$(BIN)/python -m tests.course.rehearsal $(ARGS)

peers: ## install the libraries that tests and benchmarks compare with (test and bench do it too)
	@$(PYTHON) tools/prepare.py --until peers

bench: ## measure against peers and print the tables
	@$(PYTHON) tools/prepare.py --until bench-peers
	@exec $(BIN)/python -m benchmarks $(ARGS)

clean: ## remove everything that was built, .venv and node_modules too
	rm -rf .venv .make dist build labextension/node_modules labextension/lib labextension/tsconfig.tsbuildinfo
	rm -rf interp_widgets/static interp_widgets/labextension .mypy_cache .ruff_cache .pytest_cache .hypothesis
