"""`tlsrpt check`: what domains publish about TLS for their mail, looked at live."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import output
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.published.check import Checked, Ways

_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domains", nargs="*", metavar="DOMAIN", help="default: all of [domains] own")
    parser.add_argument("--no-store", action="store_true", help="do not keep what was found in the lake")
    parser.add_argument("--all", action="store_true", help="also say what is well")
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    settings = context.settings
    domains = domains_of(args.domains, settings)
    checked = _check(domains, settings)
    if not args.no_store:
        _store(checked, settings)
        if settings.notify.after_check:
            from pipeline.notify.hooks import tell

            tell(settings)
    if args.format == "json":
        output.deliver_json([_as_json(each) for each in checked], args)
    else:
        output.deliver(_table(checked, everything=args.all), args)
    return 1 if any(finding.severity == "bad" for each in checked for finding in each.findings) else 0


def domains_of(named: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Return the names given, or those of the configuration, lower-case and once each.

    Raises:
        UsageError: There is none, or one is no domain name.
    """
    domains = tuple(dict.fromkeys(name.strip().rstrip(".").lower() for name in named or settings.domains.own))
    if not domains:
        raise UsageError("no domain to check; name one, or list yours in [domains] own")
    for name in domains:
        if not _DOMAIN.fullmatch(name):
            raise UsageError(f"{name[:80]!r} is no domain name; write an internationalised one as A-label (xn--…)")
    return domains


def _check(domains: Sequence[str], settings: Settings) -> list[Checked]:
    from concurrent.futures import ThreadPoolExecutor

    from pipeline.published.check import check_domain
    from pipeline.published.seen import hold_against_reports
    from pipeline.published.stored import last_published
    from pipeline.query import open_lake

    ways = ways_of(settings)
    now = datetime.now(UTC)
    with open_lake(settings=settings) as lake, ThreadPoolExecutor(max_workers=8) as threads:
        before = last_published(lake.ask)
        last = {domain: each.published for domain, each in before.items()}
        looked = threads.map(lambda domain: check_domain(domain, ways, now=now, before=last.get(domain)), domains)
        return [hold_against_reports(lake.ask, each, before.get(each.domain)) for each in looked]


def ways_of(settings: Settings) -> Ways:
    """Return how to look, out of the settings."""
    from pipeline.published.check import Ways

    chosen = settings.check
    return Ways(
        resolver=chosen.resolver or settings.trust.resolver,
        timeout=chosen.timeout,
        ca_file=chosen.ca_file,
        https_port=chosen.https_port,
        smtp_port=chosen.smtp_port,
        helo=chosen.helo,
    )


def _store(checked: Sequence[Checked], settings: Settings) -> None:
    from pipeline.lake.location import Location
    from pipeline.lake.writer import LakeWriter
    from pipeline.published.stored import rows_of

    with LakeWriter(Location.of(settings.lake), run_id="check") as writer:
        writer.store_checks([row for each in checked for row in rows_of(each)])


def _as_json(checked: Checked) -> dict[str, Any]:
    return {
        "domain": checked.domain,
        "checked_at": checked.at.isoformat(timespec="seconds"),
        "findings": [finding._asdict() for finding in checked.findings],
        "published": checked.published._asdict(),
    }


def _table(checked: Sequence[Checked], *, everything: bool) -> Any:
    import pyarrow as pa

    from pipeline.published.finding import ORDER

    rows = [
        {
            "domain": each.domain,
            "severity": finding.severity,
            "where": finding.where,
            "what": finding.what,
            "why": finding.why,
            "fix": finding.fix,
            "publish": finding.publish,
        }
        for each in checked
        for finding in sorted(each.findings, key=lambda finding: ORDER.index(finding.severity))
        if everything or finding.severity != "ok"
    ]
    names = ("domain", "severity", "where", "what", "why", "fix", "publish")
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})
