"""World files: a synthetic world in TOML, checked key by key.

A day is a date, or a number of days after the world's last day: 0 is the last day, -9 the tenth from the end.
"""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.demo.odd_mail import KINDS
from pipeline.demo.places import Domain, MxHost, PolicyVersion
from pipeline.demo.planted_incidents import CAUSES, VARIANTS, PlantedIncident
from pipeline.demo.simulated_reporters import BY_KEY, REPORTERS
from pipeline.demo.spec import DaySpan, OddMail, Spec
from pipeline.errors import ConfigError, InputError

Day = date | int


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Host(_Table):
    name: str
    addresses: Annotated[tuple[str, ...], Field(min_length=1)]
    weight: float = 1.0
    dane: bool = False
    since: Day | None = None
    until: Day | None = None


class _Policy(_Table):
    from_day: Day
    mode: Literal["enforce", "testing", "none"]
    mx: tuple[str, ...] = ()
    max_age: Annotated[int, Field(ge=0, le=31_557_600)] = 604_800
    id: str


class _Domain(_Table):
    name: str
    sessions_a_day: Annotated[float, Field(gt=0)] = 200.0
    weekend: float = 0.45
    host: Annotated[tuple[_Host, ...], Field(min_length=1)]
    policy: tuple[_Policy, ...] = ()


class _Incident(_Table):
    cause: str
    domain: str
    first_day: Day
    last_day: Day | None = None
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    fault: Literal["ours", "sender", "path"] = "ours"
    variant: str = ""
    intensity: Annotated[float, Field(gt=0, le=1)] = 1.0


class _Span(_Table):
    first_day: Day
    last_day: Day
    reporter: str | None = None
    domain: str | None = None
    factor: float = 0.0


class _Newcomer(_Table):
    reporter: str
    first_day: Day


class _Odd(_Table):
    kind: str
    day: Day
    reporter: str = "google"
    domain: str = ""


class _World(_Table):
    seed: int = 1
    days: Annotated[int, Field(ge=1, le=1000)] = 90
    last_day: date | None = None
    reporters: tuple[str, ...] = ()
    domain: Annotated[tuple[_Domain, ...], Field(min_length=1)]
    incident: tuple[_Incident, ...] = ()
    loops: tuple[tuple[str, str], ...] = ()
    silence: tuple[_Span, ...] = ()
    lull: tuple[_Span, ...] = ()
    newcomer: tuple[_Newcomer, ...] = ()
    odd: tuple[_Odd, ...] = ()
    stray_rate: Annotated[float, Field(ge=0, le=1)] = 0.004
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.25


def read_spec(path: Path, *, last_day: date | None = None, days: int | None = None) -> Spec:
    """Read a world file.

    Args:
        path: A world file in TOML.
        last_day: Last day of the world; else the file's `last_day`, else 31 October 2026.
        days: Length of the world in days; else the file's.

    Raises:
        InputError: The file is missing or cannot be read.
        ConfigError: It is not TOML, or no world; the sentence names what is wrong.
    """
    try:
        world = _World(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"world file {path} cannot be read: {getattr(err, 'strerror', None) or err}") from err
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"world file {path} is not valid TOML: {err}") from err
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"world file {path}: {where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from err
    if wrong := _mistake(world):
        raise ConfigError(f"world file {path}: {wrong}")
    return _spec(world, last_day or world.last_day or date(2026, 10, 31), days or world.days)


def _mistake(world: _World) -> str | None:
    """Return the first name that refers to nothing, as a clause."""
    keys = [*world.reporters, *(pair[0] for pair in world.loops), *(n.reporter for n in world.newcomer)]
    keys += [span.reporter for span in (*world.silence, *world.lull) if span.reporter]
    keys += [key for incident in world.incident for key in incident.reporters] + [odd.reporter for odd in world.odd]
    if unknown := next((key for key in keys if key not in BY_KEY), None):
        return f"no reporter is called {unknown}; there are {', '.join(BY_KEY)}"
    if unknown := next((odd.kind for odd in world.odd if odd.kind not in KINDS), None):
        return f"no odd mail is called {unknown}; there are {', '.join(KINDS)}"
    hosts = {domain.name: {host.name for host in domain.host} for domain in world.domain}
    return next((wrong for incident in world.incident if (wrong := _mistaken_incident(incident, hosts))), None)


def _mistaken_incident(incident: _Incident, hosts: dict[str, set[str]]) -> str | None:
    if incident.cause not in CAUSES:
        return f"no cause is called {incident.cause}; there are {', '.join(CAUSES)}"
    if incident.domain not in hosts:
        return f"an incident is about {incident.domain}, which is not a domain of this world"
    if missing := set(incident.hosts) - hosts[incident.domain]:
        return f"an incident names {min(missing)}, which is not a host of {incident.domain}"
    if incident.variant and incident.variant not in VARIANTS.get(incident.cause, ()):
        return f"{incident.cause} has no variant {incident.variant}"
    return None


def _spec(world: _World, last: date, days: int) -> Spec:
    def day(value: Day) -> date:
        return value if isinstance(value, date) else last + timedelta(days=value)

    def spans(tables: tuple[_Span, ...]) -> tuple[DaySpan, ...]:
        return tuple(DaySpan(day(s.first_day), day(s.last_day), s.reporter, s.domain, s.factor) for s in tables)

    def perhaps(value: Day | None) -> date | None:
        return None if value is None else day(value)

    def host(table: _Host) -> MxHost:
        return MxHost(table.name, table.addresses, table.weight, table.dane, perhaps(table.since), perhaps(table.until))

    def policy(table: _Policy) -> PolicyVersion:
        return PolicyVersion(day(table.from_day), table.mode, table.mx, table.max_age, table.id)

    domains = tuple(
        Domain(d.name, tuple(map(host, d.host)), tuple(sorted(map(policy, d.policy))), d.sessions_a_day, d.weekend) for d in world.domain
    )
    incidents = tuple(
        PlantedIncident(
            i.cause, i.domain, day(i.first_day), perhaps(i.last_day), i.hosts, i.addresses, i.reporters, i.fault, i.variant, i.intensity
        )
        for i in world.incident
    )
    return Spec(
        seed=world.seed,
        first_day=last - timedelta(days=days - 1),
        last_day=last,
        domains=domains,
        incidents=incidents,
        reporters=tuple(reporter for key, reporter in BY_KEY.items() if key in world.reporters) or REPORTERS,
        loops=world.loops,
        silences=spans(world.silence),
        lulls=spans(world.lull),
        newcomers=tuple((n.reporter, day(n.first_day)) for n in world.newcomer),
        odd_mail=tuple(OddMail(o.kind, day(o.day), o.reporter, o.domain) for o in world.odd),
        stray_rate=world.stray_rate,
        noise=world.noise,
    )
