"""What to say about faults of the MTA-STS policy and of the web host that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight import safe_commands
from pipeline.insight.advice.advice_facts import Advice
from pipeline.insight.phrases import listed, sentence_start

if TYPE_CHECKING:
    from pipeline.insight.advice.advice_facts import Facts

_CACHED = (
    "No mail is refused for it: senders that hold an earlier policy go on with that one until its max_age is over, all others deliver as "
    "if there "
    "were no MTA-STS, so for them the domain has no protection against downgrade."
)


def _place(facts: Facts) -> str:
    return f"https://mta-sts.{facts.name}/.well-known/mta-sts.txt"


def unreachable(facts: Facts) -> Advice:
    """The policy cannot be fetched."""
    meaning = (
        f"The TXT record _mta-sts.{facts.name} says that there is a policy, but {facts.senders} could not fetch it from {_place(facts)} "
        f"({facts.when}): "
        f"no address, no answer, or another status than 200. {_CACHED}"
    )
    fix = (
        "Fetch it yourself with the command below, from another network and over IPv4 and IPv6. It must answer with status 200 within a "
        "minute; a redirect "
        "(301, 302) counts as a failure, so does a login page, or a CDN that blocks unknown clients. If MTA-STS is not wanted any "
        "more, publish "
        "mode none and keep it for the longest max_age you ever had; taking host or TXT record away alone leaves held policies in force."
    )
    return Advice(meaning, _fault(facts, fix), (*safe_commands.policy(facts.domain), *safe_commands.sts_record(facts.domain)))


def host_certificate(facts: Facts) -> Advice:
    """The certificate of the policy host."""
    meaning = (
        f"The web host mta-sts.{facts.name} presented a certificate that {facts.senders} could not verify ({facts.when}): expired, for "
        "another name, or with an "
        f"incomplete chain. Without a valid certificate the policy has no effect. {_CACHED}"
    )
    fix = (
        f"Renew the certificate of mta-sts.{facts.name}; it must name exactly that host (or *.{facts.name}), be currently valid, and come "
        "with its full chain. "
        "Where the name points at a hosting service by CNAME, it is that service that needs a certificate for your name. Make the renewal "
        "automatic."
    )
    return Advice(meaning, _fault(facts, fix), (*safe_commands.policy_host(facts.domain), *safe_commands.policy(facts.domain)))


def invalid(facts: Facts) -> Advice:
    """The policy has a mistake."""
    meaning = f"{sentence_start(facts.senders)} fetched the policy of {facts.name} and could not read it ({facts.when}). {_CACHED}"
    fix = (
        f"Look at {_place(facts)} line by line: 'version: STSv1', 'mode: enforce', 'testing' or 'none', 'max_age:' with a number of "
        "seconds up to 31557600, "
        "and one 'mx:' line per MX host. Keys are written exactly so; no HTML page, no quotes, no comma lists, no blank before the colon. "
        "Then change the id "
        f"in the TXT record _mta-sts.{facts.name}, so that senders fetch it again."
    )
    return Advice(meaning, _fault(facts, fix), (*safe_commands.policy(facts.domain), *safe_commands.sts_record(facts.domain)))


def stale(facts: Facts) -> Advice:
    """Senders apply a policy that is no longer published."""
    age = f"{facts.max_age_days} days" if facts.max_age_days else "its max_age"
    hosts = listed(safe_commands.shown(facts.hosts)) if facts.host else "a new MX host"
    meaning = (
        f"{sentence_start(facts.senders)} still applied an earlier policy of {facts.name}, which does not cover {hosts} "
        f"({facts.when}), while a "
        f"newer one was published. A sender may hold a policy for {age}, and looks for a new one when the id in the TXT record changes. "
        "Under mode enforce this mail is not delivered to that host."
    )
    if facts.fault == "sender":
        fix = (
            f"The time that {facts.senders} may hold the old text is over, or every other sender has taken the new one: that sender does "
            "not look. "
            f"Write to its postmaster with these numbers. Until then keep an MX host that the old policy covers, or wait {age}."
        )
    else:
        fix = (
            f"Check that the id in the TXT record _mta-sts.{facts.name} changed when the text did; if it did not, change it now, and "
            "senders fetch the new "
            f"text within a day or so. Otherwise wait: by {age} after the change the last copy is gone. Keep the old MX hosts working "
            "until then. Next time: add "
            "the new host to the policy, change the id, wait for the old max_age, and only then change the MX records."
        )
    return Advice(
        meaning, fix, (*safe_commands.sts_record(facts.domain), *safe_commands.policy(facts.domain), *safe_commands.mx(facts.domain))
    )


def lost(facts: Facts) -> Advice:
    """Senders that applied a policy find none."""
    return _lost_sts(facts) if "sts" in facts.policy_types or not facts.policy_types else _lost_dane(facts)


def _lost_sts(facts: Facts) -> Advice:
    enforced = facts.mode == "enforce"
    off = "The enforce you published has no effect for them, and no error is raised: they" if enforced else "They"
    meaning = (
        f"{sentence_start(facts.senders)} applied the MTA-STS policy of {facts.name} and find none any more "
        f"({facts.when}). Nothing fails and no mail is refused. {off} deliver as to a domain without a policy: to any server "
        "that answers as your MX host, with or without a valid certificate."
    )
    fix = (
        f"Look at the TXT record _mta-sts.{facts.name}: it must be there, once. Two records that begin with v=STSv1 count as none, and so "
        f"does one without id. Where it is a CNAME, see that its target still answers. Then fetch {_place(facts)}: a missing "
        "host, a status other than 200 or an expired certificate has the same effect once cached copies expire. Correct the record and "
        "change its id. If MTA-STS is not wanted any more, publish mode none first and keep it for the longest max_age."
    )
    if facts.fault == "sender":
        fix = f"Others still apply it, so the fault is most probably at {facts.senders}. To rule out your side: {fix[:1].lower()}{fix[1:]}"
    commands = (*safe_commands.sts_record(facts.domain), *safe_commands.policy(facts.domain), *safe_commands.policy_host(facts.domain))
    return Advice(meaning, fix, commands)


def _lost_dane(facts: Facts) -> Advice:
    meaning = (
        f"{sentence_start(facts.senders)} delivered to {facts.name} under DANE and find no TLSA records any more "
        f"({facts.when}). Nothing fails and no mail is refused: without TLSA records in a signed zone a sender takes any certificate or "
        "none, unless an MTA-STS policy binds it."
    )
    fix = (
        "Look for the TLSA records of each MX host at _25._tcp., and whether the zones of the domain and of the MX host are signed: a DS "
        "record that is gone at the parent makes the zone unsigned, and its TLSA records are ignored. A move of the zone to another "
        "name server, or of the MX host to another name, leaves both behind."
    )
    if facts.fault == "sender":
        fix = f"Others still find them, so the fault is most probably at {facts.senders}. To rule out your side: {fix[:1].lower()}{fix[1:]}"
    hosts = safe_commands.shown(facts.hosts)[:3]
    more = [command for name in hosts for command in (*safe_commands.tlsa(name), *safe_commands.dnssec(name))]
    return Advice(meaning, fix, (*safe_commands.mx(facts.domain), *more, *(safe_commands.dnssec(facts.domain) if not hosts else ())))


def _fault(facts: Facts, ours: str) -> str:
    if facts.fault != "sender":
        return ours
    rest = f"To rule out your side: {ours[:1].lower()}{ours[1:]}"
    return f"Others fetched it on these days, so the fault is most probably at {facts.senders}. {rest}"
