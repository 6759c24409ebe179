"""Same in, same out: what no result may depend on."""

from pathlib import Path

import numpy as np
import pytest

import maskwright as mw
from maskwright.models.saving import load_model

KINDS = {"resize": [], "patch": ['data.fit="patch"', "model.image_width=16", "model.image_height=16"]}


def weights(config_file, name, kind, quiet, *more):
    sets = [*KINDS[kind], "train.epochs=1", *more]
    run = mw.train(config_file, overrides=sets, run_dir=config_file.parent / name, reporter=quiet)
    return load_model(run.model_file)[0].get_weights()


@pytest.mark.parametrize("kind", ["resize", pytest.param("patch", marks=pytest.mark.slow)])
def test_workers_cache_and_the_order_of_files_change_nothing(kind, module_config, quiet, monkeypatch):
    first = weights(module_config, f"{kind} first", kind, quiet, "train.workers=1")
    real, reversed_ = Path.iterdir, []

    def iterdir(self):
        reversed_.append(self)
        return iter(sorted(real(self), reverse=True))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    second = weights(module_config, f"{kind} second", kind, quiet, "train.workers=3", "data.cache=false")
    assert reversed_ and all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
