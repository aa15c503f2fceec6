"""`tlsrpt check`: what domains publish about TLS for their mail, looked at live."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._findings import listing, listing_of_changes
from pipeline.commands._insight import say_whose
from pipeline.commands._published import domains_of, evidence_of, exit_code, lake_is_there, ways_of
from pipeline.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.published.changed import FindingChange
    from pipeline.published.check import Checked
    from pipeline.published.finding import Finding
    from pipeline.published.proposed import Proposal

_COLUMNS = ("severity", "where", "what", "why", "fix", "publish")
"""What a row says of a finding."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domains", nargs="*", metavar="DOMAIN", help="default: all of [domains] own")
    parser.add_argument("--no-store", action="store_true", help="do not store the findings in the lake")
    parser.add_argument("--all", action="store_true", help="also list passed checks")
    parser.add_argument("--changed", action="store_true", help="only what is new, changed or resolved since the last check; for cron")
    parser.add_argument(
        "--proposed", metavar="FILE", help="check a planned policy file before you publish it ('-' for standard input); stores nothing"
    )
    parser.add_argument("--mx", nargs="+", metavar="HOST", help="likewise all planned MX hosts")
    parser.add_argument("--tlsa", nargs="+", metavar="RECORD", help="likewise all planned TLSA records, each as '3 1 1 hex'")
    parser.add_argument(
        "--certificate", metavar="FILE", help="likewise a planned certificate for the MX hosts it names, PEM with its chain"
    )
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    settings = context.settings
    domains = domains_of(args.domains, settings)
    if args.proposed or args.mx or args.tlsa or args.certificate:
        return _run_proposed(domains, args, settings)
    keep = not args.no_store and lake_is_there(settings)
    checked, changed = _check(domains, settings)
    if keep:
        _store(checked, settings)
        if settings.notify.after_check:
            from pipeline.notify.hooks import tell

            tell(settings)
    if args.changed:
        _deliver_changed(changed, args)
    elif args.format == "json":
        output.deliver_json([_as_json(each) for each in checked], args)
    elif args.format == "table":
        say_whose(settings, args)
        output.deliver_text(listing(checked, everything=args.all), args)
    else:
        output.deliver_rows(("domain", *_COLUMNS), _rows(checked, everything=args.all), args)
    return exit_code(finding for each in checked for finding in each.findings)


def _run_proposed(domains: Sequence[str], args: argparse.Namespace, settings: Settings) -> int:
    from pipeline.published.check import Checked
    from pipeline.published.history import Published
    from pipeline.published.proposed import check_proposed
    from pipeline.published.published_now import look_at_published

    if len(domains) != 1:
        raise UsageError("--proposed, --mx, --tlsa and --certificate need exactly one domain")
    (domain,) = domains
    proposal, ways, now = _proposal(args, settings), ways_of(settings), datetime.now(UTC)
    state, standing = evidence_of(domain, look_at_published(domain, ways), settings, today=now.date())
    findings = check_proposed(domain, proposal, state, standing, ways, now=now)
    checked = Checked(domain, now, tuple(findings), Published())
    if args.format == "json":
        output.deliver_json([{**_as_json(checked), "rests_on": state.rests_on}], args)
    elif args.format == "table":
        output.deliver_text(listing([checked], everything=args.all), args)
    else:
        output.deliver_rows(("domain", *_COLUMNS), _rows([checked], everything=args.all), args)
    return exit_code(findings)


def _proposal(args: argparse.Namespace, settings: Settings) -> Proposal:
    """Read a proposed change.

    Raises:
        UsageError: A record or name cannot be right.
        InputError: A file cannot be read.
    """
    from pipeline.published.proposed import Proposal
    from pipeline.published.tlsa import records_of

    return Proposal(
        _content(args.proposed) if args.proposed else None,
        domains_of(args.mx, settings) if args.mx else (),
        records_of(args.tlsa or ()),
        _chain(args.certificate) if args.certificate else (),
    )


def _content(name: str) -> bytes:
    from pipeline.published.policy_text import LARGEST_BYTES

    try:
        if name == "-":
            return sys.stdin.buffer.read(LARGEST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as err:
        raise InputError(f"{name} cannot be read: {err.strerror or err}") from err


def _chain(name: str) -> tuple[Certificate, ...]:
    from cryptography import x509

    try:
        return tuple(x509.load_pem_x509_certificates(_content(name)))
    except ValueError as err:
        raise InputError(f"{name} contains no PEM certificate") from err


def _check(domains: Sequence[str], settings: Settings) -> tuple[list[Checked], list[FindingChange]]:
    from concurrent.futures import ThreadPoolExecutor

    from pipeline.published.changed import changes, findings_of
    from pipeline.published.check import check_domain
    from pipeline.published.look_settings import LookedAt
    from pipeline.published.seen_by_senders import hold_against_reports
    from pipeline.published.stored_checks import last_published
    from pipeline.query import open_lake

    ways = ways_of(settings)._replace(looks=LookedAt())
    now = datetime.now(UTC)
    with open_lake(settings=settings, missing_ok=True) as lake, ThreadPoolExecutor(max_workers=16) as threads:
        before = last_published(lake.ask)
        last = {domain: each.published for domain, each in before.items()}
        together = {domain: each.together for domain, each in before.items()}
        looked = threads.map(lambda domain: check_domain(domain, ways, now=now, before=together.get(domain)), domains)
        checked = [hold_against_reports(lake.ask, each, before.get(each.domain)) for each in looked]
        told = findings_of(lake.ask)
        return checked, [change for each in checked for change in changes(each, told.get(each.domain, ()), last.get(each.domain))]


def _store(checked: Sequence[Checked], settings: Settings) -> None:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.writer import LakeWriter
    from pipeline.published.stored_checks import check_rows

    with LakeWriter(configured_location(settings.lake), run_id="check") as writer:
        writer.store_checks([row for each in checked for row in check_rows(each)])


def _deliver_changed(changed: Sequence[FindingChange], args: argparse.Namespace) -> None:
    """Write what changed, and nothing where nothing did: cron mails whatever is written."""
    from pipeline.published.idn import shown

    if args.format == "json":
        output.deliver_json([{"change": each.kind, "domain": each.domain, **_plain(each.finding)} for each in changed], args)
    elif changed and args.format == "table":
        output.deliver_text(listing_of_changes(changed), args)
    elif changed:
        names = ("change", "domain", "severity", "where", "what", "fix", "publish")
        rows = [
            (each.kind, shown(each.domain), *(getattr(each.finding, name) for name in ("severity", "where", "what", "fix", "publish")))
            for each in changed
        ]
        output.deliver_rows(names, rows, args)


def _plain(finding: Finding) -> dict[str, object]:
    return {**finding._asdict(), "expires_at": finding.expires_at.isoformat() if finding.expires_at else None}


def _as_json(checked: Checked) -> dict[str, object]:
    from pipeline.published.idn import shown

    return {
        "domain": checked.domain,
        "domain_shown": shown(checked.domain),
        "checked_at": checked.at.isoformat(timespec="seconds"),
        "findings": [_plain(finding) for finding in checked.findings],
        "published": checked.published._asdict(),
    }


def _rows(checked: Sequence[Checked], *, everything: bool) -> list[Sequence[str]]:
    from pipeline.published.finding import ORDER
    from pipeline.published.idn import shown

    return [
        (shown(each.domain), *(getattr(finding, name) for name in _COLUMNS))
        for each in checked
        for finding in sorted(each.findings, key=lambda finding: ORDER.index(finding.severity))
        if everything or finding.severity != "ok"
    ]
