"""Three rules for every test: it stays on this machine, it does not skip, and no clock decides whether it passes."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
import sys

import pytest
from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")

_LOCAL_NAMES = {"localhost", socket.gethostname()}
_UNRESOLVABLE = (".invalid", ".test", ".example", ".localhost")  # RFC 6761: names that no resolver knows


def _is_here(host: object) -> bool:
    """Whether a host name or address is this machine."""
    if host in (None, "", b"", *_LOCAL_NAMES):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _stay_on_this_machine(event: str, args: tuple[object, ...]) -> None:
    """An audit hook: what would leave this machine fails, whichever library tried.

    Raises:
        socket.gaierror: A reserved name was looked up; that is what a resolver says of it.
        RuntimeError: Anything else outside.
    """
    if not event.startswith("socket."):
        return
    if event == "socket.getaddrinfo":
        host = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else args[0]
        if _is_here(host):
            return
        if str(host).rstrip(".").endswith(_UNRESOLVABLE):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise RuntimeError(f"a test looked up {host}; tests stay on this machine")
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise RuntimeError(f"a test sent to {address[0]}; tests stay on this machine")


sys.addaudithook(_stay_on_this_machine)

# A job in the background is started with these ignored, and so would be every program that a test starts and interrupts.
for _interrupt in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_interrupt) is signal.SIG_IGN:
        signal.signal(_interrupt, signal.default_int_handler if _interrupt is signal.SIGINT else signal.SIG_DFL)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure: what a test needs is installed by `make test`, or its absence is a failure."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and no test may be: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """A running object storage with the S3 API, one for all tests of this process."""
    from tests.seaweed import seaweed

    with seaweed(tmp_path_factory.mktemp("seaweed")) as running:
        yield running


@pytest.fixture
def bucket(storage, monkeypatch):
    """The address of an empty place on it; this process and its children can get there, and a lease runs out in a second."""
    for name, value in storage.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TLSRPT_TEST_LEASE_SECONDS", "1")
    return f"s3://tests/{secrets.token_hex(8)}"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of the project, built without a network; one for all tests of this process."""
    from tests.project.outside import run
    from tests.project.tree import ROOT

    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built
