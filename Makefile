# Everything a contributor needs; CONTRIBUTING.md tells more. All targets share one environment, .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the environment is made from: it is brought up to date when one of these changes.
REQUIREMENTS := setup.cfg pyproject.toml

TORCH := torch==2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu

.DEFAULT_GOAL := help
.PHONY: help demo test packages lint types docs proto clean

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo: $(VENV)/installed  ## Show four streams being told apart by a daemon of their own
	@$(BIN)/speakerctl demo

# Where packages cannot be installed, the tests that need them fail and say so; all others tell what they can.
test: $(VENV)/installed-dev  ## Run all tests
	@.ci/packages || true
	@$(BIN)/python -m models.teachers fetch
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

packages:  ## Install the Debian packages that the tests need: needs root or sudo
	@.ci/packages

lint: $(VENV)/installed-dev  ## Check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(VENV)/installed-dev  ## Check types
	@$(BIN)/mypy

# pdoc cannot find the types in the constructors of named tuples, nor those of gRPC that are generic only for type checkers; wyoming
# imports what Python 3.13 no longer has, and replaces it there. Any other warning is an error.
docs: $(VENV)/installed-dev  ## Build the documentation of all modules into build/docs
	@$(BIN)/python -W error -W 'ignore:Error parsing type annotation ForwardRef' -W 'ignore:Error parsing type annotation grpc.' \
		-W "ignore:'audioop' is deprecated" -m pdoc --docformat google --output-directory build/docs clients daemon models

proto: $(VENV)/installed-dev  ## Generate the stubs from the .proto files
	@$(BIN)/python -m proto.generate

clean:  ## Remove the environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/installed: $(BIN)/python $(REQUIREMENTS)
	@echo 'Installing speakerd into $(VENV)'
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# PyPI's torch for Linux on x86-64 brings CUDA, gigabytes that nothing here uses. The build for CPUs alone is taken where an index has it.
$(VENV)/installed-dev: $(BIN)/python $(REQUIREMENTS)
	@echo 'Installing speakerd with what its tests need into $(VENV)'
	@$(BIN)/python -m pip install --quiet '$(TORCH)+cpu' 2>/dev/null \
	|| $(BIN)/python -m pip install --quiet --extra-index-url $(TORCH_INDEX) '$(TORCH)+cpu' 2>/dev/null \
	|| $(BIN)/python -m pip install --quiet '$(TORCH)'
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo 'speakerd needs Python 3.11 or newer: install it, or name it: make PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
	|| { echo 'Python cannot make virtual environments here: on Debian, run apt install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
