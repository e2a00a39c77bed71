# make repro   set up, then run the pipeline       make test   set up, then run the tests
# make lint    set up, then ruff and mypy          make clean-venv   forget the set-up
# make remotes   what the tests of SSH, S3 and WebDAV remotes need; without it they are skipped
# make verify   check every artifact byte by byte; CACHE=1 DVC's own copies, too
# make collapse   the lecture's failing run: ends with an error and says why; on bundled data
# make mended     the same run, its loss mended, and as recommended: a page with all three
# make sweep NAME=learning_rate   answer a question by several runs; without NAME: list them
# make faults  inject faults into a tiny project, in a few minutes; FULL=1 all of them
# make calibrate   damage real images and see which measure notices; DATASET=mnist for one
# make bench   compare the speed with PyTorch's; QUICK=1 in under 4 minutes, ONLY=mlp a part

PYTHON ?= $(shell for p in python3.11 python3.12 python3.10 python3 python; do \
  "$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null \
  && echo "$$p" && break; done)
VENV := .venv
READY := $(VENV)/.ready
# Stages are started by DVC as `python -m stages...`: it must find the one of the set-up.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro full verify collapse mended sweep test remotes faults calibrate lint bench setup lock \
  clean-venv
.DEFAULT_GOAL := repro

repro: setup
	@python -m stages unlock
	dvc repro

# The lecture's full length: all epochs, as an experiment of its own.
full: setup
	dvc exp run -S mnist.train.max_steps=null -S faces.train.max_steps=null

verify: setup
	python -m stages verify $(DATASET) $(if $(CACHE),--cache)

collapse: setup
	python -m stages collapse $(DATASET)

mended: setup
	python -m stages collapse $(DATASET) --mended

# SET="KEY=VALUE ..." changes params for all of its runs.
sweep: setup
	python -m stages sweep $(NAME) $(if $(DATASET),--dataset $(DATASET)) $(if $(WORKERS),--workers $(WORKERS)) $(foreach each,$(SET),-S '$(each)')

test: setup
	python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# The extra `remotes`: DVC's packages for these remotes, and servers that pip can install.
remotes: setup
	python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[remotes]'
	python -m pip check --disable-pip-version-check

faults: setup
	python -m tests.faults $(if $(FULL),--full) $(ARGS)

calibrate: setup
	python -m benchmarks.calibration $(if $(DATASET),data/$(DATASET),data/mnist data/faces)

lint: setup
	ruff check .
	ruff format --check .
	mypy

# PyTorch comes with the extra `benchmarks`; nothing else needs it.
bench: setup
	python -c 'import torch' 2>/dev/null || python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[benchmarks]'
	python -m benchmarks.speed $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
	  echo "error: no supported Python found: MindSpore 2.10 needs Python 3.10, 3.11 or 3.12 (name one with make PYTHON=/path/to/python)" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v < (3, 13) else "error: this is Python %d.%d, but MindSpore 2.10 needs Python 3.10, 3.11 or 3.12" % v[:2])'
	"$(PYTHON)" -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(VENV)/bin/python -m stages smoke
	$(VENV)/bin/python -m stages plots_page
	@touch $(READY)

# Needs uv; the same versions for every Python, so that pictures come out byte-identical.
lock:
	uv pip compile --universal --python-version 3.10 --fork-strategy fewest --generate-hashes \
	  --no-emit-index-url --no-annotate --extra tests pyproject.toml requirements-build.in -o requirements.lock

clean-venv:
	rm -rf $(VENV)
