"""Completion in the shells that few machines of a test have."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from tests.start_up.test_usage import TYPED, script

pytestmark = pytest.mark.servers


def test_fish_completes_the_same(tmp_path):
    fish = shutil.which("fish")
    assert fish, "fish is missing: apt-get install --no-install-recommends fish"
    lines = [
        script("fish"),
        *(f"complete -C {shlex.quote(shlex.join(['tlsrpt', *words]))}" for words, _ in TYPED),
    ]
    ran = subprocess.run(
        [fish, "--no-config", "-c", "\n".join(lines)],
        capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert [line.split("\t")[0] for line in ran.stdout.splitlines()] == [word for _, expected in TYPED for word in expected]


def test_zsh_reads_its_script(tmp_path):
    zsh = shutil.which("zsh")
    assert zsh, "zsh is missing: apt-get install --no-install-recommends zsh"
    words = f"autoload -U compinit; compinit -D -u; {script('zsh')}\nprint $_comps[tlsrpt]"
    ran = subprocess.run(
        [zsh, "-f", "-c", words],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert (ran.stdout, ran.stderr) == ("_tlsrpt\n", "")
