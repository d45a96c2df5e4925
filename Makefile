# Every target sets up .venv by itself. PYTHON chooses the interpreter (3.11 to 3.14). ARGS goes to
# the benchmark: make bench ARGS='--only chain'.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXECUTED := docs/notebooks/.executed

PYTEST := $(BIN)/python -m pytest

# The tests start gatewatch a thousand times: each would compile it anew. And what it prints is
# buffered, as on a user's machine.
unexport PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED

.PHONY: help demo test lint bench docs notebooks fuzz lab roc attacks pins messages reference snapshot man deb clean

help:  ## this list
	@sed -nE 's/^([a-z]+):.*  ## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

$(STAMP): requirements/build.txt requirements/dev.txt requirements/pyasn.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "the pinned libraries are for Python 3.11 to 3.14; choose one: make PYTHON=python3.13 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation -r requirements/pyasn.txt \
		2> $(VENV)/pyasn.log || echo "pyasn cannot be built here ($(VENV)/pyasn.log says why): its tables are read without it, more slowly"
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(STAMP)  ## what a newcomer sees: a simulated country, judged before and after
	$(BIN)/gatewatch demo

test: $(STAMP)  ## all tests but those that lack root or tools here
	$(PYTEST)

lint: $(STAMP)  ## ruff, formatting, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(STAMP)  ## real kernels, real packets, BGP; needs root and Debian's bird2
	$(PYTEST) tests/lab -n 0 -s

# Resumes where it stopped; ROC="--draws 200 --processes 1" for less.
roc: $(STAMP)  ## how often a verdict is wrong; up to three hours, resumes
	$(BIN)/python -m scripts.roc $(ROC)

# ATTACKS="--draws 10 --processes 1" for less.
attacks: $(STAMP)  ## what poisoned data does to a verdict; half an hour
	$(BIN)/python -m scripts.attacks $(ATTACKS)

bench: $(STAMP)  ## speed, beside other tools
	$(BIN)/python -m scripts.bench $(ARGS)

fuzz: $(STAMP)  ## a million damaged packets at the parser
	$(BIN)/python -m scripts.fuzz

# The site, in build/docs; every warning is an error.
docs: $(EXECUTED)  ## the documentation site, in build/docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

# Executes the notebooks from an empty folder, also where nothing has changed since.
notebooks:  ## executes the notebooks, each of which checks itself
	rm -f $(EXECUTED)
	$(MAKE) $(EXECUTED)

$(EXECUTED): $(VENV)/.docs scripts/notebooks.py $(shell find notebooks analysis probe data -type f -not -name '*.pyc')
	$(BIN)/python -m scripts.notebooks
	touch $@

$(VENV)/.docs: requirements/docs.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes --no-build-isolation -r $<
	touch $@

# Needs uv (pip install uv); run after changing a dependency in pyproject.toml.
PIN := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
pins:  ## pins the dependencies anew; needs uv
	$(PIN) requirements/build.in -o requirements/build.txt
	$(PIN) requirements/pyasn.in -o requirements/pyasn.txt
	$(PIN) pyproject.toml --extra analysis --extra collect --extra scale --group dev -o requirements/dev.txt
	$(PIN) pyproject.toml -c requirements/dev.txt -o requirements/probe.txt
	$(PIN) pyproject.toml --extra analysis --extra collect --extra scale --group dev --group docs \
		-o requirements/docs.txt

# Collects the sentences of the source into the catalogues of probe/locale, and compiles those.
messages: $(STAMP)  ## collects what the program says, for translators
	$(BIN)/python -m scripts.messages

# Writes the columns of all tables, as the code describes them, into docs/tables.md.
reference: $(STAMP)  ## writes the columns of all tables into docs/tables.md
	$(BIN)/python -m scripts.reference

# Rebuilds data/origin from the tables named in its README: make snapshot TABLES=FOLDER. It prints the
# same sha256 for the same input.
snapshot: $(STAMP)  ## builds data/origin anew from the published tables
	$(BIN)/python -m scripts.build_origin $(if $(TABLES),--tables "$(TABLES)")

# The manual page; a package has it packed.
man: $(STAMP)  ## the manual page, in dist
	mkdir -p dist
	$(BIN)/python -m scripts.manual > dist/gatewatch.1

# A Debian package for this machine's architecture and Python, in dist.
deb: $(STAMP)  ## a Debian package, in dist
	$(BIN)/python -m scripts.deb

clean:  ## removes the environment and all that was made
	rm -rf $(VENV) dist build docs/notebooks
