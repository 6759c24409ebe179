"""What shells are told, by the shells themselves where they are installed."""

import shutil
import subprocess

import pytest

from maskwright.cli import main
from maskwright.cli._main import build_parser, command_names
from maskwright.cli._shells import commands_of


@pytest.fixture
def script(capsys):
    def of(shell):
        assert main(["completion", shell]) == 0
        return capsys.readouterr().out

    return of


def test_every_command_and_option_is_in_it():
    commands = {one.name: one for one in commands_of(build_parser(None))}
    assert list(commands) == command_names() and all(one.help for one in commands.values())
    names = {name: one for one in commands["train"].options for name in one.names}
    assert names["--run"].valued and not names["--resume"].valued and "--json" in names
    assert commands["config"].words == ("check", "show", "convert", "schema")
    assert {"--set", "--output", "--json"} <= {name for one in commands["config"].options for name in one.names}
    assert {one.choices for one in commands["export"].options if "--format" in one.names} != {()}


BASH = """
offered() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _maskwright; echo "${{COMPREPLY[*]}}"; }}
offered {words}
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("maskwright ini", "init"),
        ("maskwright c", "compare completion config"),
        ("maskwright train --res", "--resume"),
        ("maskwright train config", ""),  # files, by the shell
        ("maskwright train --run r", ""),
        ("maskwright config s", "show schema"),
        ("maskwright export --format on", "onnx"),
        ("maskwright completion z", "zsh"),
        ("maskwright nothing --x", ""),
    ],
)
def test_bash(script, tmp_path, words, offered):
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    (tmp_path / "s").write_text(script("bash") + BASH.format(words=words), encoding="utf-8")
    done = subprocess.run(["bash", str(tmp_path / "s")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == offered and not done.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [("ini", {"init"}), ("train --res", {"--resume"}), ("config s", {"show", "schema"}),
     ("export --format on", {"onnx"})],
)  # fmt: skip
def test_fish(script, tmp_path, words, offered):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    (tmp_path / "s.fish").write_text(script("fish") + f"\ncomplete -C 'maskwright {words}'\n", encoding="utf-8")
    done = subprocess.run(["fish", "--no-config", str(tmp_path / "s.fish")], capture_output=True, text=True, check=True)
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == offered and not done.stderr


def test_zsh(script, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    (tmp_path / "_maskwright").write_text(script("zsh"), encoding="utf-8")
    asked = (
        f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; print $_comps[maskwright]"
    )
    done = subprocess.run(["zsh", "-f", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "_maskwright"
    subprocess.run(["zsh", "-f", "-n", str(tmp_path / "_maskwright")], check=True)


def test_powershell_has_all_in_quotes(script):
    text = script("powershell")
    assert text.count("{") == text.count("}") and text.count("'") % 2 == 0
    assert all(f"'{name}' = @(" in text for name in command_names())
