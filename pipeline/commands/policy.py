"""`tlsrpt policy`: the policy file and the TXT records for a change, once nothing speaks against it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import who
from pipeline.commands._published import domains_of, evidence_of, exit_code, ways_of
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.published.finding import Finding
    from pipeline.published.render import Rendered

_PARTS = ("policy", "records", "nginx", "caddy", "apache", "back")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("render", "reasons"), help="write a policy, or list the reasons given with --despite")
    parser.add_argument("domain", nargs="?", metavar="DOMAIN", help="the domain")
    parser.add_argument("--mode", choices=("enforce", "testing", "none"), help="the new mode")
    parser.add_argument(
        "--max-age",
        type=int,
        metavar="SECONDS",
        help="how long senders may cache it (default: one day if the mode changes, otherwise unchanged)",
    )
    parser.add_argument("--mx", nargs="+", default=[], metavar="HOST", help="MX hosts to add to the existing ones")
    parser.add_argument("--despite", metavar="REASON", help="write it despite a failed check; the reason is stored in the lake")
    parser.add_argument("--only", choices=_PARTS, help="write only this part, ready to be saved to a file")
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "reasons":
        return _list(args, context.settings)
    if not args.domain or not args.mode:
        raise UsageError("`policy render` needs a domain and --mode enforce, testing or none")
    if args.despite is not None and not args.despite.strip():
        raise UsageError("--despite needs a reason")
    (domain,) = domains_of([args.domain], context.settings)
    rendered, against = _render(domain, args, context.settings)
    if against:
        for finding in against:
            output.note(f"{finding.severity}: {output.escape(finding.where)}: {output.escape(finding.what)}; {output.escape(finding.fix)}")
        if args.despite is None:
            output.note("no policy was written; fix this first, or give a reason with --despite REASON")
            return exit_code(against)
        _keep(domain, args, against, context.settings)
    _show(rendered, against, args)
    return 0


def _render(domain: str, args: argparse.Namespace, settings: Settings) -> tuple[Rendered, list[Finding]]:
    """Return the policy, and what speaks against publishing it."""
    from pipeline.published.proposed import Proposal, check_proposed
    from pipeline.published.published_now import look_at_published
    from pipeline.published.render import age_for, patterns_for, render
    from pipeline.report.sts_policy import LONGEST_AGE_SECONDS

    ways, now = ways_of(settings), datetime.now(UTC)
    more = domains_of(args.mx, settings) if args.mx else ()
    if args.max_age is not None and not 0 <= args.max_age <= LONGEST_AGE_SECONDS:
        raise UsageError(f"--max-age is 0 to {LONGEST_AGE_SECONDS} seconds (RFC 8461 §3.2)")
    live = look_at_published(domain, ways)
    state, standing = evidence_of(domain, live, settings, today=now.date())
    published = state.seen.published
    if args.mode != "none" and not state.mx_hosts and not more:
        raise UsageError(f"the MX hosts of {domain} are not known, and a policy has to name each; run `tlsrpt check {domain}`")
    if args.mode != "none" and state.mx_hosts == (".",):
        raise UsageError(f"{domain} takes no mail (RFC 7505): it needs no policy")
    age = args.max_age if args.max_age is not None else age_for(args.mode, published)
    mx = patterns_for(published, state.mx_hosts, more)
    tlsrpt = f'_smtp._tls.{domain}. TXT "v=TLSRPTv1; rua=mailto:{_rua(domain, settings)}"' if live.has_no_tlsrpt else ""
    rendered = render(domain, args.mode, age, mx, now, live.sts_id, tlsrpt)
    if args.mode == "none":
        return rendered, []
    proposal = Proposal(policy=rendered.policy.encode(), mx=tuple(dict.fromkeys((*state.mx_hosts, *more))) if more else ())
    # That a sender's older policy does not name a new host is no reason not to publish the one that does.
    findings = [each for each in check_proposed(domain, proposal, state, standing, ways, now=now) if each.code != "mx-held-policy"]
    return rendered, [finding for finding in findings if finding.severity in {"error", "unknown"}]


def _rua(domain: str, settings: Settings) -> str:
    ours = ways_of(settings).ours
    return next(iter(ours.addresses), f"tls-reports@{domain}") if ours is not None else f"tls-reports@{domain}"


def _keep(domain: str, args: argparse.Namespace, against: Sequence[Finding], settings: Settings) -> None:
    """Keep the reason before anything is written: what went against the advice can be read later."""
    from pipeline.lake.storage.locate import configured_location
    from pipeline.published.override_reasons import Reason, keep_reason

    reason = Reason(
        datetime.now(UTC), domain, f"mode {args.mode}", tuple(finding.what for finding in against), args.despite.strip()[:1000], who()
    )
    keep_reason(configured_location(settings.lake), reason)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.published.override_reasons import reasons_of

    chosen = domains_of([args.domain], settings) if args.domain else ()
    rows = [each for each in reasons_of(configured_location(settings.lake)) if not chosen or each.domain in chosen]
    if args.format == "json":
        output.deliver_json([{**each._asdict(), "at": each.at.isoformat(timespec="seconds")} for each in rows], args)
    else:
        output.deliver_rows(
            ("at", "domain", "what", "reason", "by", "against"),
            [
                (each.at.isoformat(timespec="minutes"), each.domain, each.what, each.reason, each.by, "; ".join(each.against))
                for each in rows
            ],
            args,
        )
    return 0


def _show(rendered: Rendered, against: Sequence[Finding], args: argparse.Namespace) -> None:
    parts = {
        "policy": rendered.policy,
        "records": "".join(f"{record}\n" for record in rendered.records),
        **rendered.servers,
        "back": "".join(f"{line}\n" for line in rendered.way_back),
    }
    if args.only:
        output.deliver_text(parts[args.only], args, folds=False)
    elif args.format == "json":
        output.deliver_json({**rendered._asdict(), "despite": [finding._asdict() for finding in against]}, args)
    elif args.format == "csv":
        output.deliver_rows(("part", "text"), list(parts.items()), args)
    else:
        output.deliver_text(_in_full(rendered), args, folds=False)


def _in_full(rendered: Rendered) -> str:
    from pipeline.published.idn import shown

    lines = [f"# The policy of {shown(rendered.domain)}: save it as mta-sts.txt (`--only policy` writes it alone)"]
    lines += rendered.policy.split("\r\n")
    lines += ["# The records, to be published when the file is served", *rendered.records, ""]
    lines += ["# In this order", *(f"{number}. {step}" for number, step in enumerate(rendered.order, 1)), ""]
    lines += ["# The way back", *rendered.way_back, ""]
    for name, text in rendered.servers.items():
        lines += [f"# {name}", text]
    return "\n".join(lines)
