"""parsedmarc, the nearest program with a mailbox, SMTP TLS reports and output files: installed into an environment of its own, and run.

It is run as its documentation says, with `--offline` (no DNS, no downloads), all mails in one go (`batch_size = 0`, where its default
takes ten and ends), JSON and CSV written to a folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.process import Run, run

if TYPE_CHECKING:
    from tests.dovecot import Dovecot, User

VERSION = "11.1.0"
_HOME = Path(__file__).parent / "results" / f"parsedmarc-{VERSION}"
_PARSE_ALONE = """
import sys, time
from pathlib import Path
from parsedmarc import parse_report_email
from parsedmarc.config import ParserConfig
mails = [path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.eml"))]
config = ParserConfig(offline=True, always_use_local_files=True)
best = None
for _ in range(int(sys.argv[2])):
    read, began = 0, time.process_time()
    for mail in mails:
        try:
            read += parse_report_email(mail, config=config)["report_type"] == "smtp_tls"
        except Exception:
            pass
    seconds = time.process_time() - began
    best = seconds if best is None else min(best, seconds)
highest = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(best, read, int(highest[0].split()[1]) / 1024)
"""


class PeerMissingError(RuntimeError):
    """It could not be installed; one sentence says why."""


class Peer(NamedTuple):
    """The installed program."""

    bin: Path

    def parse_alone(self, folder: Path, rounds: int) -> tuple[float, int, float]:
        """Parse the mails of a folder in one process: CPU seconds without the start, the TLS reports it read, its peak in MiB."""
        said = run([self.bin / "python", "-c", _PARSE_ALONE, str(folder), str(rounds)]).output.split()
        return float(said[-3]), int(said[-2]), float(said[-1])

    def read_folder(self, folder: Path, into: Path, *, processes: int = 1) -> tuple[Run, int]:
        """Read the mails of a folder into files; returns the run, and the TLS reports in them."""
        config = _config(into, f"[general]\noutput = {into}\noffline = True\nsilent = True\nn_procs = {processes}\n")
        done = run([self.bin / "parsedmarc", "-c", config, folder])
        return done, _reports(into)

    def read_mailbox(self, server: Dovecot, user: User, into: Path, *, processes: int, moves: bool) -> tuple[Run, int]:
        """Read a mailbox into files; returns the run, and the TLS reports in them.

        Args:
            server: Where it is.
            user: Whose it is.
            into: The folder of the files.
            processes: How many parse.
            moves: Whether it does what it does unless told otherwise: move what it read to folders.
        """
        config = _config(
            into,
            f"""[general]
output = {into}
offline = True
silent = True
n_procs = {processes}
save_smtp_tls = True
[mailbox]
test = {not moves}
batch_size = 0
[imap]
host = localhost
port = {server.port}
ssl = True
skip_certificate_verification = True
user = {user.name}
password = {user.password}
""",
        )
        done = run([self.bin / "parsedmarc", "-c", config])
        return done, _reports(into)


def installed() -> Peer:
    """Install it, unless it is there.

    Raises:
        PeerMissingError: It cannot be installed.
    """
    if not (_HOME / "bin" / "parsedmarc").exists():
        _do([sys.executable, "-m", "venv", "--clear", str(_HOME)])
        _do([str(_HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", f"parsedmarc=={VERSION}"])
    # As an installed program's are; pip leaves it where the environment says that nothing is to be compiled.
    _do([str(_HOME / "bin" / "python"), "-m", "compileall", "-q", str(_HOME / "lib")], may_fail=True)
    return Peer(_HOME / "bin")


def _do(command: list[str], *, may_fail: bool = False) -> None:
    try:
        subprocess.run(command, check=not may_fail, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as err:
        said = (getattr(err, "stderr", None) or str(err)).strip().splitlines()
        raise PeerMissingError(f"parsedmarc {VERSION} could not be installed: {said[-1] if said else err}") from err


def _config(into: Path, text: str) -> Path:
    path = into.with_suffix(".ini")
    path.write_text(text, encoding="utf-8")
    return path


def _reports(into: Path) -> int:
    return len(json.loads((into / "smtp_tls.json").read_text(encoding="utf-8")))
