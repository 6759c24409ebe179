# `make demo` and `make test` set up all that they need in .venv; Python 3.11 to 3.13 and make are enough.
PYTHON ?= $(shell for v in python3.12 python3.11 python3.13 python3 python; do \
	$$v -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$v && break; done)
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# `make test` leaves out what takes minutes a test or an environment of its own; the others run that.
.PHONY: demo test test-slow test-lowest test-backends test-zoo test-zoo-quick test-configs test-bioimageio test-fuzz test-kills check licences format docs viewer clean

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

viewer:
	cd viewer && npm ci --ignore-scripts --omit=optional && node pack.mjs

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.dev
	$(BIN)/maskwright config schema --markdown > docs/configuration.md
	$(BIN)/maskwright config schema > docs/maskwright.schema.json
	$(BIN)/python tests/support/files_page.py > docs/files.md

.venv/.runtime: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.runtime
	$(PIP) install -c constraints.txt -e '.[onnx,engines,scans,serve,pretrained]' --group dev
	@touch $@

.venv/.backends: .venv/.dev
	$(PIP) install -c constraints.txt -e '.[jax,torch]' torch==2.13.0 monai==1.6.1 efficientnet-lite-pytorch==0.1.0
	@touch $@

# Tools of the tests and what dependencies bring are the newest: only our own bounds are at their lowest.
.venv-lowest/.ready: pyproject.toml .ci/lowest.py
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; name it with make PYTHON=..."; exit 1; }
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	.venv-lowest/bin/python .ci/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip --disable-pip-version-check --quiet install -c .venv-lowest/lowest.txt \
		-e '.[onnx,engines,scans,serve,tensorboard]' --group dev
	@touch $@

# An environment of its own, because KerasHub brings another wheel of TensorFlow.
.venv-zoo/.ready: .venv/.runtime
	test -x .venv-zoo/bin/python || $(PYTHON) -m venv .venv-zoo
	.venv-zoo/bin/python -m pip --disable-pip-version-check --quiet install --upgrade 'pip>=25.1'
	.venv-zoo/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt -e '.[onnx,scans,zoo]' --group dev
	@touch $@

# Another one, because its newest release needs an older pydantic than ours.
.venv-bioimageio/.ready: .venv/.runtime
	test -x .venv-bioimageio/bin/python || $(PYTHON) -m venv .venv-bioimageio
	.venv-bioimageio/bin/python -m pip --disable-pip-version-check --quiet install \
		bioimageio.core==0.11.0 bioimageio.spec==0.5.12.0 pydantic==2.13.5 onnxruntime
	@touch $@

clean:
	rm -rf .venv .venv-zoo .venv-lowest .venv-bioimageio .pytest_cache .mypy_cache .ruff_cache .hypothesis
