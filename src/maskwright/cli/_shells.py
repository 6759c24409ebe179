"""Scripts that make shells complete our commands, written from the parser: nothing of ours runs when Tab is pressed.

Where a script has nothing to offer, the shell goes on with names of files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Option:
    """An option: its names, what it is for, whether a value follows it, and which values there are (any: none)."""

    names: tuple[str, ...]
    help: str
    valued: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A command: its options, and the words that may follow it (as `check` follows `config`)."""

    name: str
    help: str
    options: list[Option] = field(default_factory=list)
    words: tuple[str, ...] = ()


def commands_of(parser: argparse.ArgumentParser) -> list[Command]:
    """All commands of the parser, those of commands within a command as its words."""
    (actions,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in actions._choices_actions}
    return [_command(name, helps[name], child) for name, child in actions.choices.items()]


def _command(name: str, text: str, parser: argparse.ArgumentParser) -> Command:
    options: dict[tuple[str, ...], Option] = {}
    words: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words += action.choices
            for child in action.choices.values():
                options |= {one.names: one for one in _command("", "", child).options}
        elif action.option_strings and action.help != argparse.SUPPRESS:
            names = tuple(action.option_strings)
            valued = action.nargs != 0
            options.setdefault(names, Option(names, _plain(action), valued, _choices(action)))
        elif action.choices:
            words += map(str, action.choices)
    return Command(name, text, list(options.values()), tuple(words))


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(map(str, action.choices or ()))


def _plain(action: argparse.Action) -> str:
    """The help of an option, in one line without what a shell could take for its own."""
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").split("; ")[0]
    return "".join(letter for letter in text if letter not in "'\"`[]$\\\n:")[:80].strip()


def bash(commands: Sequence[Command]) -> str:
    """For bash, and for zsh with `bashcompinit`."""
    values = [
        f'    "{command.name} {name}") words="{" ".join(option.choices)}" ;;'
        for command in commands for option in command.options if option.choices for name in option.names
    ]  # fmt: skip
    files = sorted({f'"{command.name} {name}"' for command in commands for option in command.options
                    if option.valued and not option.choices for name in option.names})  # fmt: skip
    options = [f'      {one.name}) words="{" ".join(n for o in one.options for n in o.names)}" ;;' for one in commands]
    inner = [f'      {one.name}) words="{" ".join(one.words)}" ;;' for one in commands if one.words]
    return "\n".join(
        [
            "_maskwright() {",
            '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" words=""',
            "  COMPREPLY=()",
            '  if [ "$COMP_CWORD" -eq 1 ]; then',
            f'    words="{" ".join(one.name for one in commands)} --help --version"',
            '  else case "${COMP_WORDS[1]} $prev" in',
            *values,
            f"    {'|'.join(files)}) return ;;",
            '    *) case "$cur" in',
            '    -*) case "${COMP_WORDS[1]}" in',
            *options,
            "      esac ;;",
            '    *) case "${COMP_WORDS[1]}" in',
            *inner,
            "      esac ;;",
            "    esac ;;",
            "  esac; fi",
            '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
            "}",
            "complete -o default -F _maskwright maskwright",
        ]
    )


def zsh(commands: Sequence[Command]) -> str:
    """For zsh: a file of a folder in `$fpath`."""

    def option(one: Option) -> str:
        what = f":value:({' '.join(one.choices)})" if one.choices else ":value:_files" if one.valued else ""
        return " ".join(f"'{name}[{one.help}]{what}'" for name in one.names)

    cases = []
    for one in commands:
        rest = f"'1:word:({' '.join(one.words)})' '*:file:_files'" if one.words else "'*:file:_files'"
        cases.append(f"    {one.name}) _arguments {' '.join(map(option, one.options))} {rest} ;;")
    return "\n".join(
        [
            "#compdef maskwright",
            "_maskwright() {",
            "  local -a commands",
            "  commands=(",
            *(f"    '{one.name}:{_quoted(one.help)}'" for one in commands),
            "  )",
            "  if (( CURRENT == 2 )); then _describe command commands; return; fi",
            "  local command=$words[2]",
            "  shift words; (( CURRENT-- ))",
            "  case $command in",
            *cases,
            "  esac",
            "}",
            "# As a file of $fpath it is called; read by `source` it is made known.",
            'if [ "$funcstack[1]" = _maskwright ]; then _maskwright "$@"; else compdef _maskwright maskwright; fi',
        ]
    )


def fish(commands: Sequence[Command]) -> str:
    """For fish."""
    lines = [f"complete -c maskwright -n __fish_use_subcommand -f -a {one.name} -d '{_quoted(one.help)}'"
             for one in commands]  # fmt: skip
    for command in commands:
        here = f"complete -c maskwright -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{here} -f -a '{' '.join(command.words)}'"] if command.words else []
        for one in command.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in one.names)
            value = f" -x -a '{' '.join(one.choices)}'" if one.choices else " -r" if one.valued else ""
            lines.append(f"{here} {names}{value} -d '{one.help}'")
    return "\n".join(lines)


def powershell(commands: Sequence[Command]) -> str:
    """For PowerShell 5 and 7."""
    table = []
    for one in commands:
        words = [*one.words, *(name for option in one.options for name in option.names)]
        quoted = ", ".join(f"'{word}'" for word in words)
        table.append(f"    '{one.name}' = @({quoted})")
    return "\n".join(
        [
            "Register-ArgumentCompleter -Native -CommandName maskwright -ScriptBlock {",
            "  param($word, $line, $cursor)",
            "  $known = @{",
            *table,
            "  }",
            "  $said = @($line.CommandElements | ForEach-Object { $_.ToString() })",
            "  $first = $said.Count -lt 2 -or ($said.Count -eq 2 -and $word -ne '')",
            "  $offered = if ($first) { $known.Keys } else { $known[$said[1]] }",
            '  $offered | Sort-Object | Where-Object { $_ -like "$word*" } | ForEach-Object {',
            "    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)",
            "  }",
            "}",
        ]
    )


def _quoted(text: str) -> str:
    return "".join(letter for letter in text if letter not in "'\"`[]$\\:")
