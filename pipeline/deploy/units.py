"""systemd units and a crontab for one installation: its program, its configuration, its user, its lake. Pure texts."""

from __future__ import annotations

from pathlib import PurePosixPath
from shlex import quote
from typing import NamedTuple

_HOMES = ("/home", "/root", "/run/user")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 # not written to: an installation in one is told from others
_NOT_AGAIN = "2 78"
"""Exit codes after which a lasting service is not started again: with the same configuration it ends the same way."""


class Installation(NamedTuple):
    """What differs from one machine to the next. All paths are absolute."""

    program: str
    config: str | None
    user: str
    writable: tuple[str, ...]
    """Folders the program writes to: the lake, where it is one, and files of notices."""
    readable: tuple[str, ...] = ()
    """Other files and folders it reads: its Python, secrets."""
    mailboxes: bool = True
    channels: bool = False
    digest: bool = False
    domains: bool = True
    """Whether there are domains of ours to check."""
    receives: int | None = None
    """The port to receive on; None where there is no spool."""
    shows: bool = True
    """Whether the page is installed."""


class Unit(NamedTuple):
    """One unit file."""

    name: str
    text: str


class _Task(NamedTuple):
    name: str
    arguments: str
    purpose: str
    calendar: str
    """As systemd writes it."""
    cron: str
    ok: tuple[int, ...] = (75,)
    """Exit codes that are not failures of the unit: 75 is tried again by the next run."""


_INGEST = _Task("tlsrpt-ingest", "ingest", "Take new TLS reports out of the mailboxes", "hourly", "17 * * * *")
_NOTIFY = _Task("tlsrpt-notify", "notify", "Tell what is new, worse or over in TLS reports", "*:37", "37 * * * *")
_DIGEST = _Task("tlsrpt-digest", "digest --send", "Mail the weekly digest of TLS reports", "Mon 06:00", "0 6 * * 1")
_CHECK = _Task("tlsrpt-check", "check", "Look at what our domains publish about TLS", "*-*-* 05:10", "10 5 * * *", ok=(1, 75))
_MAINTAIN = _Task("tlsrpt-maintain", "maintain", "Keep the lake of TLS reports in shape", "Sun 03:20", "20 3 * * 0")


def _tasks(installation: Installation) -> list[_Task]:
    wanted = (
        (_INGEST, installation.mailboxes),
        (_NOTIFY, installation.channels),
        (_DIGEST, installation.digest),
        (_CHECK, installation.domains),
        (_MAINTAIN, True),
    )
    return [task for task, is_wanted in wanted if is_wanted]


def systemd_units(installation: Installation) -> list[Unit]:
    """Return a service and a timer for each recurring command, and a service for each thing that lasts."""
    units = []
    for task in _tasks(installation):
        units.append(Unit(f"{task.name}.service", _service(installation, task)))
        units.append(Unit(f"{task.name}.timer", _timer(task)))
    if installation.shows:
        units.append(Unit("tlsrpt-dashboard.service", _lasting(installation, "dashboard", "The dashboard of TLS reports")))
    if installation.receives is not None:
        low_port = "AmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
        may = low_port if 0 < installation.receives < 1024 else ""
        units.append(Unit("tlsrpt-receive.service", _lasting(installation, "receive", "Receive TLS reports over HTTPS", may)))
    return units


def crontab(installation: Installation) -> str:
    """Return the lines for the user's crontab. `check` ends with 1 where it found something, which `tlsrpt notify` tells, not cron."""
    lines = [f"# TLS reports, for the crontab of {installation.user} (crontab -u {installation.user} FILE)"]
    quoted = installation._replace(
        program=quote(installation.program), config=installation.config and quote(installation.config)
    )  # cron gives the line to a shell
    lines += [f"{task.cron} {_command(quoted, task.arguments).replace('%', chr(92) + '%')}" for task in _tasks(installation)]
    return "\n".join(lines) + "\n"


def _command(installation: Installation, arguments: str) -> str:
    config = f" --config {installation.config}" if installation.config else ""
    return f"{installation.program}{config} {arguments}"


def _service(installation: Installation, task: _Task) -> str:
    return (
        f"[Unit]\nDescription={task.purpose}\nWants=network-online.target\nAfter=network-online.target\n\n"
        f"[Service]\nType=oneshot\nUser={installation.user}\nExecStart={_escaped(_command(installation, task.arguments))}\n"
        f"SuccessExitStatus={' '.join(map(str, task.ok))}\nTimeoutStartSec=2h\n{_hardening(installation)}"
    )


def _timer(task: _Task) -> str:
    return (
        f"[Unit]\nDescription={task.purpose}\n\n"
        f"[Timer]\nOnCalendar={task.calendar}\nRandomizedDelaySec=5min\nPersistent=yes\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _lasting(installation: Installation, arguments: str, purpose: str, more: str = "") -> str:
    return (
        f"[Unit]\nDescription={purpose}\nAfter=network.target\n\n"
        f"[Service]\nUser={installation.user}\nExecStart={_escaped(_command(installation, arguments))}\n"
        f"Restart=on-failure\nRestartSec=5s\nRestartPreventExitStatus={_NOT_AGAIN}\n{_hardening(installation)}{more}\n[Install]\nWantedBy=multi-user.target\n"
    )


def _escaped(command: str) -> str:
    return command.replace("%", "%%").replace("$", "$$")


def _hardening(installation: Installation) -> str:
    """Return what the program may touch: the network, its lake, and nothing else of the machine."""
    paths = (installation.program, installation.config or "/", *installation.writable, *installation.readable)

    def is_any_in(folders: tuple[str, ...]) -> bool:
        return any(str(PurePosixPath(path)).startswith(tuple(f"{folder}/" for folder in folders)) for path in paths)

    lines = [
        "UMask=0027",
        "MemoryMax=2G",
        "CapabilityBoundingSet=",
        "LockPersonality=yes",
        "NoNewPrivileges=yes",
        "PrivateDevices=yes",
        f"PrivateTmp={'no' if is_any_in(_TEMPORARY) else 'yes'}",
        "ProtectClock=yes",
        "ProtectControlGroups=yes",
        f"ProtectHome={'read-only' if is_any_in(_HOMES) else 'yes'}",
        "ProtectHostname=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelTunables=yes",
        "ProtectProc=invisible",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        *(f'ReadWritePaths="{_escaped(path)}"' for path in installation.writable),
    ]
    return "".join(f"{line}\n" for line in lines)
