"""No process of ours imports from the folder it is called in: modules of common names lie there, and none is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.backfill.dask_cluster import dask_cluster
from tests.dashboard.browser import serving

TLSRPT = str(Path(sys.executable).with_name("tlsrpt"))
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample" / "mails"
NAMES = """
    _distutils_hack altair ast asyncio base64 certifi click codecs collections contextlib copyreg csv cryptography ctypes
    dashboard dask datetime deltalake dist distributed dkim dns duckdb email encodings enum fsspec functools git google hashlib
    heapq http idna importlib inspect io ipykernel IPython jinja2 json jupyter_client keyword linecache locale logging mmap msal
    multiprocessing narwhals numpy obstore opcode operator orjson os packaging pandas pathlib pickle PIL pipeline pkg_resources
    platform publicsuffixlist pyarrow pydantic pydantic_settings pymap queue random re readline requests resource runpy secrets
    select selectors setuptools shutil signal site sitecustomize six smtplib socket socketserver sqlite3 ssl starlette stat
    streamlit string struct subprocess tempfile threading tokenize toml tomllib tornado tqdm traceback types typing
    typing_extensions urllib urllib3 usercustomize uuid uvicorn warnings watchdog weakref zipfile zmq zoneinfo
""".split()  # noqa: SIM905 -- a list of words reads better than a column of them


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake made in this process, before anything is planted."""
    folder = tmp_path_factory.mktemp("asked") / "lake"
    assert main(["--lake", str(folder), "ingest", "--workers", "0", str(SAMPLE)]) == 0
    return str(folder)


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder of modules that say that they were run, in a file beside them."""
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)  # a command run in this process sets it
    folder = tmp_path / "planted"
    folder.mkdir()
    text = f"import posix\nposix.close(posix.open({str(tmp_path / 'run-')!r} + __name__, posix.O_CREAT | posix.O_WRONLY))\n"
    for name in NAMES:
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(text, encoding="utf-8")
    yield folder
    assert [path.name for path in tmp_path.glob("run-*")] == []


def called(folder, *arguments, command=TLSRPT, **environment):
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    done = subprocess.run(
        [command, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=200, env={**clean, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done


def test_a_planted_module_is_what_python_would_import(planted, tmp_path):
    # From 3.13 on Python itself imports modules before it runs the first word, and falls over what was planted.
    subprocess.run(
        [sys.executable, "-c", "import click"], cwd=planted, check=False, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
    )
    found = [path.name for path in tmp_path.glob("run-*")]
    assert {"run-click", "run-linecache"} & set(found)
    for name in found:
        (tmp_path / name).unlink()


@pytest.mark.parametrize("command", [("ingest",), ("backfill", "--workers", "1")], ids=lambda words: words[0])
def test_what_reads_mail_imports_nothing_from_there(planted, tmp_path, command):
    called(planted, "--lake", str(tmp_path / "lake"), *command, str(SAMPLE))


def test_what_answers_imports_nothing_from_there(lake, planted):
    for question in (("status",), ("sql", "select count(*) from reports"), ("incidents",), ("doctor", "--help"), ("schema",)):
        called(planted, "--lake", lake, *question)


def test_a_cluster_imports_nothing_from_there(planted, tmp_path):
    with dask_cluster(planted) as cluster:
        called(planted, "--lake", str(tmp_path / "lake"), "backfill", "--scheduler", cluster.address, str(SAMPLE))


def test_the_page_imports_nothing_from_there(lake, planted):
    with serving(Path(lake), cwd=planted):
        pass


def test_the_demo_imports_nothing_from_there(planted, tmp_path):
    called(planted, "demo", "--dir", str(tmp_path / "demo"), "--days", "3", "--exit-after", "3", "--port", "0")


def test_a_library_that_starts_python_cannot_import_from_there_either(planted, tmp_path):
    program = (
        "import sys; from pipeline.cli import main; main(['schema']); import multiprocessing as m; "
        "pool = m.get_context('spawn').Pool(1); print(pool.apply(len, ['abc'])); pool.close(); pool.join()"
    )
    called(planted, "-P", "-c", program, command=sys.executable)


def test_every_python_we_start_is_started_with_its_safe_path():
    starting = [
        (path, line)
        for folder in ("pipeline", "dashboard")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "sys.executable" in line and '"-P"' not in line and line.strip() != "sys.executable,"
    ]
    assert starting == []
    assert "PYTHONSAFEPATH=1" in (ROOT / ".ci" / "notebooks").read_text(encoding="utf-8")
