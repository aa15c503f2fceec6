"""`tlsrpt completion`: a script by which a shell completes commands, options and their values; made from the parser, run without it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pipeline.cli import Context
    from pipeline.usage import Parser


class Option(NamedTuple):
    """An option of a command."""

    names: tuple[str, ...]
    help: str
    takes: bool
    """Whether a value follows."""
    values: tuple[str, ...]
    """Those it may have; empty for any, which is completed as a file."""


class CommandWords(NamedTuple):
    """What can follow a command."""

    help: str
    options: tuple[Option, ...]
    values: tuple[str, ...]
    """What can stand without an option."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="your shell")


def run(args: argparse.Namespace, context: Context) -> int:  # noqa: ARG001 -- the same for all commands
    from pipeline.cli import COMMANDS, build_parser

    parser = build_parser("*")
    commands = {name: words_of(each, name, COMMANDS[name]) for name, each in parser.commands().items()}
    sys.stdout.write(_SCRIPTS[args.shell](words_of(parser, "", ""), commands))
    return 0


def words_of(parser: Parser, name: str, about: str) -> CommandWords:
    """Return what a parser takes.

    Args:
        parser: The parser of one command, or of the program.
        name: The command; empty for the program. Of `questions` the names of the questions are values, too.
        about: What the command is for, in a few words.
    """
    shown = parser.arguments()
    options = tuple(
        Option(tuple(action.option_strings), _plain(action), action.nargs != 0, tuple(map(str, action.choices or ())))
        for action in shown
        if action.option_strings
    )
    values = [str(choice) for action in shown if not action.option_strings for choice in action.choices or ()]
    if name == "questions":
        from pipeline.query.catalogue import load_questions

        values += load_questions()
    return CommandWords(about, options, tuple(values))


def _plain(action: argparse.Action) -> str:
    return ((action.help or "") % {**vars(action), "prog": "tlsrpt"}).partition(";")[0]


def _bash(first: CommandWords, commands: dict[str, CommandWords]) -> str:
    every = {"": first._replace(values=tuple(commands)), **commands}
    given = [
        f'    {" | ".join(f"{command}:{name}" for name in option.names)}) words="{" ".join(option.values)}" ;;'
        for command, words in every.items()
        for option in words.options
        if option.takes
    ]
    names = {command: " ".join(each for option in words.options for each in option.names) for command, words in every.items()}
    free = [f'      "{command}") options="{names[command]}" words="{" ".join(words.values)}" ;;' for command, words in every.items()]
    return "\n".join([
        "# bash completion of tlsrpt, made by `tlsrpt completion bash`",
        "_tlsrpt() {",
        '  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= options= words= word= skip=',
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '    if [[ $skip ]]; then skip=; continue; fi',
        '    case $word in --config | --lake) skip=1 ;; -*) ;; *) command=$word; break ;; esac',
        "  done",
        "  case $command:$before in",
        *given,
        "    *) case $command in",
        *free,
        "      esac",
        '      [[ $current == -* ]] && words=$options ;;',
        "  esac",
        '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o bashdefault -o default -F _tlsrpt tlsrpt",
        "",
    ])  # fmt: skip


def _zsh(first: CommandWords, commands: dict[str, CommandWords]) -> str:
    def listed(options: Sequence[Option], indent: str) -> Iterator[str]:
        for option in options:
            value = f":value:({' '.join(option.values)})" if option.values else ":value:_files"
            for name in option.names:
                yield f"{indent}'{name}[{_in_zsh(option.help)}]{value if option.takes else ''}' \\"

    cases = []
    for name, words in commands.items():
        rest = f"'*:value:({' '.join(words.values)})'" if words.values else "'*:file:_files'"
        cases += [f"        {name}) _arguments \\", *listed(words.options, "          "), f"          {rest} ;;"]
    return "\n".join([
        "#compdef tlsrpt",
        "# zsh completion of tlsrpt, made by `tlsrpt completion zsh`",
        "_tlsrpt() {",
        "  local state line context",
        "  local -a commands",
        "  commands=(",
        *(f"    '{name}:{_in_zsh(words.help)}'" for name, words in commands.items()),
        "  )",
        "  _arguments -C \\",
        *listed(first.options, "    "),
        "    '1:command:->command' '*::argument:->argument'",
        "  case $state in",
        "    command) _describe command commands ;;",
        "    argument)",
        "      case $words[1] in",
        *cases,
        "      esac ;;",
        "  esac",
        "}",
        'if [[ $funcstack[1] == _tlsrpt ]]; then _tlsrpt "$@"; else compdef _tlsrpt tlsrpt; fi',
        "",
    ])  # fmt: skip


def _in_zsh(text: str) -> str:
    return text.replace("'", "’").replace("[", "(").replace("]", ")").replace(":", ",").replace("`", "")


def _fish(first: CommandWords, commands: dict[str, CommandWords]) -> str:
    def listed(options: Sequence[Option], when: str) -> Iterator[str]:
        for option in options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = f" -xa '{' '.join(option.values)}'" if option.values else " -r" if option.takes else ""
            yield f"complete -c tlsrpt -n '{when}' {names}{value} -d '{_in_fish(option.help)}'"

    lines = ["# fish completion of tlsrpt, made by `tlsrpt completion fish`", *listed(first.options, "__fish_use_subcommand")]
    for name, words in commands.items():
        lines.append(f"complete -c tlsrpt -f -n __fish_use_subcommand -a {name} -d '{_in_fish(words.help)}'")
        here = f"__fish_seen_subcommand_from {name}"
        lines += listed(words.options, here)
        lines += [f"complete -c tlsrpt -n '{here}' -a '{' '.join(words.values)}'"] if words.values else []
    return "\n".join([*lines, ""])


def _in_fish(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
