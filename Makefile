# One target each for what a person does here. `make help` lists them; every one sets up what it needs.
SHELL := /bin/sh
VENV ?= .venv
export VENV
BIN := $(VENV)/bin
PINS := .ci/requirements
RUN := $(VENV)/ready-run
TEST := $(VENV)/ready-test
CODE := pipeline dashboard tests notebooks
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
ARGS ?=

.NOTPARALLEL:
.PHONY: help setup demo dashboard test system browser check lint types imports notebooks tests lowest soak release image release-test score bench bench-full \
	screenshots sample docs site format pins clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- run it ------------------------------------------------------------------------------------------------------------

setup: $(RUN) ## a virtual environment with the pinned packages, in .venv

demo: $(RUN) ## the whole thing on synthetic mail: mailbox, lake, dashboard in the browser
	@exec $(BIN)/tlsrpt demo $(ARGS)

dashboard: $(RUN) ## the dashboard on the configured lake
	@exec $(BIN)/tlsrpt dashboard $(ARGS)

# -- check it ----------------------------------------------------------------------------------------------------------

test: system $(TEST) lint types imports notebooks tests ## every check; what continuous integration runs (ARGS="-k word" for some tests)

check: lint types imports ## the quick checks: lint, types, imports

lint: $(TEST) ## style of Python, SQL and prose
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/codespell $(CODE) README.md CHANGELOG.md data/tlsrpt.example.toml
	$(BIN)/sqlfluff lint --processes 2 pipeline/query/sql

types: $(TEST) ## mypy, strict
	$(BIN)/mypy

imports: $(TEST) ## who may import whom
	$(BIN)/lint-imports --no-logo

notebooks: $(TEST) ## run every notebook on a demo lake, and render it into notebooks/html; none may carry output, each equals its .py
	$(BIN)/nbstripout --verify $(NOTEBOOKS)
	$(BIN)/jupytext --test --to py:percent $(NOTEBOOKS)
	@.ci/notebooks

tests: browser
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pytest -n 3 --dist worksteal -m "not soak and not servers" $(ARGS)

lowest: browser ## the tests with every dependency at the lowest version that pyproject.toml allows (ARGS="tests/lake" for some)
	@.ci/lowest $(ARGS)

system:
	@.ci/setup system

browser: system $(TEST)
	@.ci/setup browser

# -- the long ones -----------------------------------------------------------------------------------------------------

soak: browser ## the long tests: kills, cuts, hours of mail
	$(BIN)/pytest -m soak --timeout=3600 $(ARGS)

release: $(TEST) ## wheel, sdist and checksums in dist, the same bytes from every build of one commit
	@.ci/release

image: $(TEST) ## the container image, without any image registry, and poll, page and receiver in it (as root, with buildah and mmdebstrap)
	@.ci/image

release-test: browser ## before a release: every check; the wheel with pip, uv and pipx; the tutorial; site and image; Cyrus, Courier, GNU Mailutils (Debian 12, as root); fish and zsh
	@$(MAKE) test
	@$(MAKE) release
	@$(MAKE) site
	@$(MAKE) image
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/pytest -m servers --timeout=600 $(ARGS)

score: $(TEST) ## how well incidents, causes and faults are found, on synthetic worlds with known truth
	$(BIN)/python -m tests.score $(ARGS)

bench: browser ## the benchmarks, in minutes
	$(BIN)/python -m tests.bench.run $(ARGS)

bench-full: browser ## the benchmarks at full size, in hours
	$(BIN)/python -m tests.bench.run --full $(ARGS)

# -- keep it -----------------------------------------------------------------------------------------------------------

format: $(TEST) ## format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

docs: $(TEST) ## the generated parts of README and documentation anew
	$(BIN)/python -m tests.project.readme

site: $(TEST) ## the documentation as a site with a search, in build/site
	@rm -rf build/site
	$(BIN)/sphinx-build -q -W --keep-going -c .ci/site -d build/doctrees pipeline/docs build/site
	@echo "The site is build/site/index.html"

screenshots: browser ## the pictures of the dashboard anew, on demo data
	$(BIN)/python -m tests.dashboard.screenshots

sample: $(TEST) ## the sample mails in data/sample anew
	$(BIN)/python -m tests.project.sample

pins: $(TEST) ## the newest allowed version of every package, with hashes
	.ci/pin

clean: ## away with everything made here, the lake of the checkout excepted
	rm -rf $(VENV) .make build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/failures data/demo

# -- the virtual environment: a second make finds it ready -------------------------------------------------------------

$(RUN): .ci/setup pyproject.toml $(PINS)/build.txt $(PINS)/run.txt
	@.ci/setup run
	@touch $@

$(TEST): .ci/setup pyproject.toml $(PINS)/build.txt $(PINS)/test.txt
	@.ci/setup test
	@touch $@ $(RUN)
