"""What the command line says of mistakes, shows as examples and gives to shells."""

from __future__ import annotations

import io
import shlex
import subprocess
from contextlib import redirect_stdout

import pytest

from pipeline.cli import COMMANDS, build_parser, main
from pipeline.usage import EXAMPLES
from tests.start_up.eighty_columns import Terminal


@pytest.fixture(scope="module")
def parser():
    return build_parser("*")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("incdents", "tlsrpt: there is no command 'incdents'; did you mean incidents? See tlsrpt --help"),
        ("xyzzy", "tlsrpt: there is no command 'xyzzy'; see tlsrpt --help"),
        ("incidents --fromat json", "tlsrpt incidents: there is no option --fromat; did you mean --format? See tlsrpt incidents --help"),
        ("incidents --xyzzy=3", "tlsrpt incidents: there is no option --xyzzy; see tlsrpt incidents --help"),
        ("--lkae x status", "tlsrpt: there is no command 'x'; see tlsrpt --help"),
        ("status --lake x", "tlsrpt status: --lake stands before the command: tlsrpt --lake … status; see tlsrpt status --help"),
        ("status now", "tlsrpt status: there is nothing that 'now' could be; it is one word too many; see tlsrpt status --help"),
        ("questions rnu", "tlsrpt questions: argument action: there is no 'rnu'; did you mean run? See tlsrpt questions --help"),
        (
            "coverage --format yaml",
            "tlsrpt coverage: argument --format: there is no 'yaml'; choose from table, json, csv; see tlsrpt coverage --help",
        ),
        ("incidents --days many", "tlsrpt incidents: argument --days: 'many' is not a number; see tlsrpt incidents --help"),
        ("readiness", "tlsrpt readiness: the following arguments are required: DOMAIN; see tlsrpt readiness --help"),
        ("plan", "tlsrpt plan: the following arguments are required: DOMAIN, change; see tlsrpt plan --help"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_may_be_meant(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert (end.value.code, capsys.readouterr().err) == (2, said + "\n")


def test_a_mistake_is_folded_on_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", said := Terminal())
    with pytest.raises(SystemExit):
        main(["readiness"])
    assert said.getvalue() == "tlsrpt readiness: the following arguments are required: DOMAIN; see tlsrpt\nreadiness --help\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_examples_that_are_taken_and_fits_eighty_columns(parser, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = parser.commands()[name].format_help()
    shown = text.partition("\nexample")[2].partition(":\n")[2].splitlines()
    assert shown == [f"  {line}" for line in EXAMPLES[name]]
    for line in EXAMPLES[name]:
        assert parser.parse_args(shlex.split(line.partition(" > ")[0].partition(" < ")[0])[1:]).command == name
        assert len(line) <= 100
    assert all(len(line) <= 80 for line in text.partition("\nexample")[0].splitlines())


def script(shell):
    with redirect_stdout(io.StringIO()) as out:
        assert main(["completion", shell]) == 0
    return out.getvalue()


TYPED = [
    (["inc"], ["incidents"]),
    (["--lake", "status", "incidents", "--fa"], ["--fail-on"]),
    (["incidents", "--format", "j"], ["json"]),
    (["questions", "run", "success_r"], ["success_rate"]),
    (["policy", "render", "example.org", "--mode", "enf"], ["enforce"]),
]


def test_bash_completes_commands_options_and_values():
    lines = [script("bash")]
    for words, _ in TYPED:
        lines.append(f'COMP_WORDS=({shlex.join(["tlsrpt", *words])}); COMP_CWORD={len(words)}; _tlsrpt; echo "${{COMPREPLY[*]}}"')
    ran = subprocess.run(["bash", "--norc", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.splitlines() == [" ".join(expected) for _, expected in TYPED]
    assert ran.stderr == ""
