"""What is meant where a command is given nothing: the configuration of the folder in which one is, and its run."""

from __future__ import annotations

from pathlib import Path

_NAMES = ("config.toml", "train_eval_infer.config")
DEFAULT = f"default: {_NAMES[0]} here"


def configuration(named: str | None) -> str:
    """The configuration that is named, else the one in this folder.

    Raises:
        MaskwrightError: there is none, or there are two.
    """
    from maskwright.errors import MaskwrightError

    if named is not None:
        return named
    found = [name for name in _NAMES if Path(name).is_file()]
    if not found:
        raise MaskwrightError(
            f"no configuration is named, and there is no {_NAMES[0]} in this folder",
            where=Path.cwd(),
            fix="maskwright init DATA writes one; or name a configuration, or a run.",
        )
    if len(found) > 1:
        raise MaskwrightError(f"holds {' and '.join(found)}", where=Path.cwd(), fix="Name the one that is meant.")
    return found[0]


def run_of(named: str | None) -> Path:
    """The run folder that is named or belongs to a configuration that is named, else to the one in this folder.

    Raises:
        MaskwrightError: as `configuration`; or that configuration cannot be read.
    """
    from maskwright.config import load

    path = Path(configuration(named))
    return load(path).run_dir if path.is_file() else path
