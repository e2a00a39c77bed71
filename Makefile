# make help lists what can be made.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3 python; do \
  "$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null \
  && echo "$$p" && break; done)
VENV := .venv
READY := $(VENV)/.ready
# Stages are started by DVC as `python -m stages...`: it must find the one of the set-up.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Some images of containers set it to 1. Then no process leaves bytecode for the next, and each
# compiles MindSpore's modules again: docs/performance.md.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help repro full play course verify collapse fixed sweep runs test test-all remotes browser \
  space extras faults calibrate messages lint bench setup lock clean-venv
.DEFAULT_GOAL := repro

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

repro: setup ## set up, then run the pipeline; what `make` alone does
	@python -m stages unlock
	dvc repro
	@python -m stages scratch tidy

full: setup ## the lecture's own recipes at their full length, as an experiment of its own
	python -m stages recipe lecture -S mnist.train.max_steps=null -S faces.train.max_steps=null

play: setup ## open the page in which the networks run; DATASET=mnist or faces
	@python -m stages unlock
	dvc repro play@$(or $(DATASET),mnist)
	@echo "open reports/$(or $(DATASET),mnist)/play.html in a browser, if none opens by itself"
	@python -c 'import pathlib, sys, webbrowser; webbrowser.open(pathlib.Path(sys.argv[1]).resolve().as_uri())' \
	  "reports/$(or $(DATASET),mnist)/play.html"

# The extra `course`: JupyterLab and what builds notebooks. It changes no version of the lock.
course: setup ## open the course's notebooks; the tasks check themselves: course/README.md
	python -c 'import jupyterlab, jupytext' 2>/dev/null || python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[course]'
	python -m jupyterlab course

verify: setup ## check every artifact byte by byte; CACHE=1 DVC's own copies, too
	python -m stages verify $(DATASET) $(if $(CACHE),--cache)

collapse: setup ## the lecture's failing run: ends with an error and says why
	python -m stages collapse $(DATASET)

fixed: setup ## that run, its loss fixed, and as recommended: one page with all three
	python -m stages collapse $(DATASET) --fixed

sweep: setup ## answer a question by several runs; NAME=learning_rate, SEEDS=1,2,3, SET="KEY=VALUE ..."
	python -m stages sweep $(NAME) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(DATASET),--dataset $(DATASET)) $(if $(WORKERS),--workers $(WORKERS)) $(foreach each,$(SET),-S '$(each)')

runs: setup ## the experiments in 160 columns: changed params and one score; DATASET=faces
	dvc exp show --only-changed --drop '(?!Exp|language|datasets|mnist|faces|(.*/$(or $(DATASET),mnist)/.*:)?quality.frechet)'

PYTEST = python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(if $(ROOM),tests/$(ROOM))

test: setup ## run the tests but for the slow ones; ROOM=gan/losses those of one room
	$(PYTEST) -m 'not slow' $(ARGS)

# `make test test-all` runs the quick tests once. 5: there is no slow test in that room.
test-all: test ## run all tests: those of `make test`, then the slow ones
	$(PYTEST) -m slow $(ARGS) || [ $$? = 5 ]

# What these three install changes no version of the lock. Compiling every module would take longer
# than the few that are imported.
EXTRA = python -m pip install --quiet --disable-pip-version-check --no-compile --no-build-isolation -e '.[$(1)]' \
  && python -m pip check --disable-pip-version-check

# The extra `remotes`: DVC's packages for these remotes, and servers that pip can install.
remotes: setup ## what the tests of SSH, S3 and WebDAV remotes need; else they are skipped
	$(call EXTRA,remotes)

# The extra `browser`: Playwright, which drives the system's own Chromium.
browser: setup ## what the tests of the page in a browser need; else they are skipped
	$(call EXTRA,browser)

# The extra `space`: Gradio.
space: setup ## what the test of the app for hubs needs; else it is skipped
	$(call EXTRA,space)

extras: setup ## these three at once: pip looks at everything that is installed only once
	$(call EXTRA,extras)

faults: setup ## inject faults into a tiny project, in a few minutes; FULL=1 all of them
	python -m tests.faults $(if $(FULL),--full) $(ARGS)

calibrate: setup ## damage real images and see which measure notices; DATASET=mnist for one
	python -m benchmarks.calibration $(if $(DATASET),data/$(DATASET),data/mnist data/faces)

messages: setup ## collect the texts to translate, and compile their translations
	python -m stages messages

lint: setup ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

# PyTorch comes with the extra `benchmarks`; nothing else needs it.
bench: setup ## compare the speed with PyTorch's; QUICK=1 in under 4 minutes, ONLY=mlp a part
	python -c 'import torch' 2>/dev/null || python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[benchmarks]'
	python -m benchmarks.speed $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

setup: $(READY) ## make .venv from the lock file, and compile the kernels

# uv where it is there: it is faster. pip where it is not, or where uv does not reach the packages,
# since a mirror may be set for pip alone. Neither compiles every module: most are never imported.
# pip unpacks one package after the other, and MindSpore is larger than all others together: two pips.
UV = uv pip install --quiet --python $(VENV)/bin/python
PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile
ITSELF = --no-deps --no-build-isolation -e .

# A ZIP download has no git repository; DVC would say so only after minutes of set-up.
$(READY): requirements.lock pyproject.toml
	@if LC_ALL=C git rev-parse --git-dir 2>&1 | grep -q 'not a git repository' \
	  && ! grep -Eqs '^[[:space:]]*no_scm *= *true' .dvc/config .dvc/config.local; then \
	  echo "error: this folder is no git repository, but DVC needs one: run git init && git add -A && git commit -m first" >&2; exit 1; fi
	@if [ -z "$(PYTHON)" ]; then \
	  echo "error: no supported Python found: MindSpore 2.10 needs Python 3.10, 3.11 or 3.12 (name one with make PYTHON=/path/to/python)" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 13) else "error: this is Python %d.%d, but MindSpore 2.10 needs Python 3.10, 3.11 or 3.12" % v[:2])'
	"$(PYTHON)" -m venv --clear $(VENV)
	@{ command -v uv >/dev/null && $(UV) --require-hashes -r requirements.lock && $(UV) $(ITSELF); } || { \
	  awk -v to=$(VENV) '/^[a-z]/ {large = /^mindspore==/} {print > (to (large ? "/large" : "/others"))}' requirements.lock; \
	  $(PIP) --require-hashes --no-deps -r $(VENV)/large & large=$$!; \
	  $(PIP) --require-hashes -r $(VENV)/others; others=$$?; \
	  wait $$large && [ $$others = 0 ] && $(PIP) $(ITSELF); }
	@$(VENV)/bin/python -m stages plots_page & page=$$!; \
	  $(VENV)/bin/python -m stages smoke; smoke=$$?; wait $$page && exit $$smoke
	@touch $(READY)

# The same versions for every Python, so that pictures come out byte-identical.
lock: ## write requirements.lock again; needs uv
	uv pip compile --universal --python-version 3.10 --fork-strategy fewest --generate-hashes \
	  --no-emit-index-url --no-annotate --extra tests pyproject.toml requirements-build.in -o requirements.lock

clean-venv: ## forget the set-up
	rm -rf $(VENV)
