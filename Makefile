# The study from a fresh checkout: Python 3.11 to 3.14, make and a package index are all it needs.
# The Python to make the virtual environment with; where none is named, the newest suitable one on the machine
PYTHON ?=
VENV   ?= .venv
STUDY  ?= ucr56
OUTPUT ?= outputs
# Anything else for the command line, e.g. ARGS='workers=1 data.root=/data/UCRArchive_2018'
ARGS   ?=
# What writes and what audits requirements.lock; uv fetches them
UV      ?= uv
LOCKER  := uv>=0.9,<1
AUDITOR := pip-audit>=2.9,<3

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n auto --dist loadgroup

.DEFAULT_GOAL := help
ifneq ($(words $(VENV)),1)
$(error VENV is '$(VENV)': name one folder, without spaces, which make would take for several)
endif

# a path as one word of the shell, and as one string of Hydra's: it may hold spaces, commas and quotes
quoted = '$(subst ','\'',$(1))'
hydra = \'$(call quoted,$(subst ',\',$(1)))\'

.PHONY: help setup lock audit test test-all test-slow test-faults mutants bench reproduce theory synthetic tables figures report paper mlflow docs lint

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14
	@echo
	@echo "variables:    STUDY=$(STUDY)  OUTPUT=$(OUTPUT)  PYTHON=$(or $(PYTHON),newest)  VENV=$(VENV)  ARGS=$(ARGS)"

setup: $(INSTALLED) ## make the virtual environment, unless there is one, and install into it
	@echo "$(VENV) has $$($(BIN)/python --version)"

# by the Python of the environment, or, where that is missing or was not completed, one of the machine; two at once wait for each other
$(INSTALLED): pyproject.toml requirements.lock $(BIN)/python
	@python=$(BIN)/python; "$$python" -m pip --version >/dev/null 2>&1 || python=$$(sh interpreter.sh $(PYTHON)) && "$$python" install.py $(VENV)

$(BIN)/python:

lock: ## write requirements.lock anew for what pyproject.toml requires, keeping its versions where they are allowed (needs uv; ARGS=--upgrade)
	$(UV) tool run --quiet --from '$(LOCKER)' uv pip compile --quiet pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock    (it is what "make setup" installs; pyproject.toml says what else is allowed)' \
		--output-file requirements.lock $(ARGS)

audit: ## ask the advisory database about every version in requirements.lock (needs uv and a network)
	$(UV) tool run --from '$(AUDITOR)' pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock $(ARGS)

test: $(INSTALLED) ## run the tests (no network, minutes), and name the slowest
	$(PYTEST) -m "not slow" --durations=10

test-all: $(INSTALLED) ## run these and the proofs that take long, but for test-faults
	$(PYTEST) -m "not faults" --durations=10

test-slow: $(INSTALLED) ## run the proofs that take long alone: what test-all has and test has not
	$(PYTEST) -m "slow and not faults" --durations=10

test-faults: $(INSTALLED) ## run those that put faults into real processes: killed, full, locked, gone
	$(PYTEST) -m faults --durations=10

mutants: $(INSTALLED) ## make known mistakes in a copy of the tree, and see a test fail for each (ARGS='--part 1/4')
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(INSTALLED) ## measure speed, memory and start against other ways, as one table of ratios (ten minutes)
	$(BIN)/python -m pytest benchmarks --benchmark-columns=min,median,rounds --benchmark-max-time=0.5
	$(BIN)/python -m benchmarks

reproduce: $(INSTALLED) ## run a study, or what is missing of it, and write its tables and report (STUDY=ucr56, family, context, networks_small, ucr_unequal, quick, smoke)
	$(BIN)/python -m runners.reproduce study=$(STUDY) output=$(call hydra,$(OUTPUT)) $(ARGS)

theory: $(INSTALLED) ## run the theory's experiments, and draw their figures (half an hour; ARGS='experiment.seeds=2' of each)
	$(BIN)/python -m runners.theory -m 'experiment=glob(*)' output=$(call hydra,$(OUTPUT)) $(ARGS)

synthetic: $(INSTALLED) ## predict the next step from windows of unequal length (minutes; ARGS=preset=full: 1,000 repeats)
	$(BIN)/python -m runners.synthetic output=$(call hydra,$(OUTPUT)) $(ARGS)

tables: $(INSTALLED) ## make a study's tables from its records, or from those of the reference run
	$(BIN)/python -m results.tables $(call quoted,$(OUTPUT)/$(STUDY)) results/reference/$(STUDY) --to $(call quoted,$(OUTPUT)/$(STUDY)/tables)

figures: $(INSTALLED) ## draw a study's figures from its records, or from those of the reference run, as PDF, SVG and PNG
	$(BIN)/python -m results.figures $(call quoted,$(OUTPUT)/$(STUDY)) results/reference/$(STUDY) --kinds datasets/archive.csv --to $(call quoted,$(OUTPUT)/$(STUDY)/figures) $(ARGS)

report: $(INSTALLED) ## write a study's report, one page to open in a browser, from its records or those of the reference run
	$(BIN)/python -m runners.report study=$(STUDY) output=$(call hydra,$(OUTPUT)) $(ARGS)

paper: $(INSTALLED) ## put all tables and figures of the reference studies into one PDF (needs pdflatex)
	$(BIN)/python -m results.paper --experiments $(call quoted,$(OUTPUT)) --to $(call quoted,$(OUTPUT)/paper)

mlflow: $(INSTALLED) ## look at the runs in a browser
	$(BIN)/python -m runners.tracking ui $(call quoted,$(OUTPUT))

docs: $(INSTALLED) ## build the documentation's site, notebooks run, as outputs/docs/index.html (half a minute)
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -b html docs $(call quoted,$(OUTPUT)/docs)
	@echo $(call quoted,$(OUTPUT)/docs/index.html)

lint: $(INSTALLED) ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
