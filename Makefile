# `make demo` and `make test` set up all that they need in .venv; Python 3.11 to 3.13 and make are enough.
PYTHON ?= $(shell for v in python3.12 python3.11 python3.13 python3 python; do \
	$$v -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$v && break; done)
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# $(call locked,PYTHON,NAME): what .ci/locked/NAME.txt names, by the hashes of its files. uv unpacks a file once for all
# environments, in seconds; where it does not run or reaches nothing, pip does the same.
QUIETLY = $(1) -m pip --disable-pip-version-check --quiet install
locked = $(QUIETLY) --require-hashes -r .ci/locked/uv.txt && \
	{ $(1) -m uv pip install --quiet --python $(1) --require-hashes -r .ci/locked/$(2).txt || \
	$(QUIETLY) --require-hashes -r .ci/locked/$(2).txt; }
# $(call ours,PYTHON): this folder, with what is there.
ours = $(QUIETLY) --no-deps --no-build-isolation -e .

# `make test` leaves out what takes minutes a test or an environment of its own; the others run that.
.PHONY: site demo test test-slow test-lowest test-backends test-zoo test-zoo-quick test-configs test-bioimageio test-fuzz test-kills check licences audit packages locked format docs viewer clean

demo: .venv/.runtime
	$(BIN)/maskwright demo

test: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not backends and not zoo and not configs and not bioimageio and not fuzz"

test-slow: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "slow and not configs and not zoo and not fuzz"

# What the oldest versions that pyproject.toml allows could break: files, training, engines, scans, the service.
LOWEST := tests/training/test_train.py $(addprefix tests/inference/,test_predict.py test_runtimes.py) tests/exporting \
	$(addprefix tests/volumes/,test_read.py test_dicom.py test_dicom_seg.py) tests/data/test_tiff.py tests/data/test_formats.py tests/serving/test_app.py
test-lowest: .venv-lowest/.ready
	.venv-lowest/bin/python -m pytest -n auto -m "not slow and not backends and not zoo and not configs and not bioimageio and not fuzz" $(LOWEST)

test-backends: .venv/.backends
	$(BIN)/python -m pytest -m backends

test-zoo: .venv-zoo/.ready
	.venv-zoo/bin/python -m pytest -m zoo

test-zoo-quick: .venv-zoo/.ready
	.venv-zoo/bin/python -m pytest -m "zoo and not slow"

test-configs: .venv/.dev
	$(BIN)/python -m pytest -m configs

test-fuzz: .venv/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m fuzz tests/fuzz

# Trainings killed fifty times each at random moments.
test-kills: .venv/.dev
	KILLS=50 $(BIN)/python -m pytest -n auto -m slow tests/training/test_killed.py

test-bioimageio: .venv/.dev .venv-bioimageio/.ready
	$(BIN)/python -m pytest -m bioimageio

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Of every package that the tests run with; GPL and AGPL are refused.
licences: .venv/.dev
	$(BIN)/python .ci/licences.py

# Known weaknesses of what is locked, where the data about them can be reached.
audit: .venv-tools/.ready
	.venv-tools/bin/python .ci/audit.py .ci/locked/run.txt .ci/locked/dev.txt

# dist/: the wheel, the source distribution and a bill of materials, each of both tried in an empty environment.
packages: .venv-tools/.ready
	.ci/packages $(PYTHON)

# The hashes of constraints.txt's versions anew, after it or pyproject.toml was changed.
locked: .venv-tools/.ready
	.ci/lock .venv-tools/bin/uv

# The pages of docs/ as a site that needs no network, in site/.
site: .venv-site/.ready
	.venv-site/bin/python -m sphinx -q -W --keep-going -b html docs site

.venv-site/.ready: .ci/locked/site.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x .venv-site/bin/python || $(PYTHON) -m venv .venv-site
	$(call locked,.venv-site/bin/python,site)
	$(call ours,.venv-site/bin/python)
	@touch $@

viewer:
	cd viewer && npm ci --ignore-scripts --omit=optional && node pack.mjs

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.dev
	$(BIN)/maskwright config schema --markdown > docs/reference/configuration.md
	$(BIN)/maskwright config schema > docs/reference/maskwright.schema.json
	$(BIN)/python tests/support/files_page.py > docs/reference/files.md
	$(BIN)/python tests/support/commands_page.py > docs/reference/commands.md

.venv/.runtime: pyproject.toml .ci/locked/run.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call locked,$(BIN)/python,run)
	$(call ours,$(BIN)/python)
	@touch $@

.venv/.dev: .venv/.runtime .ci/locked/dev.txt
	$(call locked,$(BIN)/python,dev)
	@touch $@

.venv/.backends: .venv/.dev
	$(PIP) install -c constraints.txt -e '.[jax,torch]' torch==2.13.0 monai==1.6.1 efficientnet-lite-pytorch==0.1.0
	@touch $@

# Tools of the tests and what dependencies bring are the newest: only our own bounds are at their lowest.
.venv-lowest/.ready: pyproject.toml .ci/lowest.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	$(call QUIETLY,.venv-lowest/bin/python) --require-hashes -r .ci/locked/uv.txt
	.venv-lowest/bin/python .ci/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m uv pip install --quiet --python .venv-lowest/bin/python -c .venv-lowest/lowest.txt \
		-e '.[onnx,engines,scans,serve,tensorboard]' --group dev
	@touch $@

# An environment of its own, because KerasHub brings another wheel of TensorFlow.
.venv-zoo/.ready: .venv/.runtime
	test -x .venv-zoo/bin/python || $(PYTHON) -m venv .venv-zoo
	$(call locked,.venv-zoo/bin/python,zoo)
	$(call ours,.venv-zoo/bin/python)
	@touch $@

# Another one, because its newest release needs an older pydantic than ours.
.venv-bioimageio/.ready: .venv/.runtime
	test -x .venv-bioimageio/bin/python || $(PYTHON) -m venv .venv-bioimageio
	$(call locked,.venv-bioimageio/bin/python,bioimageio)
	@touch $@

# What looks at packages and builds ours.
.venv-tools/.ready: .ci/locked/tools.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x .venv-tools/bin/python || $(PYTHON) -m venv .venv-tools
	$(call locked,.venv-tools/bin/python,tools)
	@touch $@

clean:
	rm -rf dist site .venv-site .venv .venv-zoo .venv-lowest .venv-bioimageio .venv-tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
