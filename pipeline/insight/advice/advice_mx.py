"""What to say about faults of an MX host: its certificate, its STARTTLS, its place in the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight import safe_commands
from pipeline.insight.advice.advice_facts import Advice
from pipeline.insight.phrases import listed, sentence_start

if TYPE_CHECKING:
    from pipeline.insight.advice.advice_facts import Facts

_ENFORCE = "Under mode enforce this mail is not delivered until it is fixed; in testing it arrives, and the failure is only reported."


def _on_each(facts: Facts, *makers: object) -> tuple[str, ...]:
    """Commands for the first three hosts; one maker after the other."""
    return tuple(command for host in safe_commands.shown(facts.hosts)[:3] for make in makers for command in make(host, facts.node))  # type: ignore[operator]


def _sender_instead(facts: Facts, ours: str) -> str:
    """Tell who must act: for a fault of one sender there is nothing to repair here, but something to rule out."""
    if facts.fault != "sender":
        return ours
    return (
        f"Only {facts.senders} fails while others are clean, so the cause is most probably there: an outdated list of CAs, or a "
        f"TLS-intercepting proxy. Rule out your side with the command below; if it shows no fault, write to the postmaster of "
        f"{facts.senders} with these numbers. "
        f"If it does: {ours[:1].lower()}{ours[1:]}"
    )


def expired(facts: Facts) -> Advice:
    """An expired certificate."""
    meaning = (
        f"The certificate that {facts.where} {'present' if facts.many else 'presents'} has expired ({facts.when}): senders that apply "
        "the MTA-STS policy "
        f"of {facts.name} cannot authenticate it. {_ENFORCE}"
    )
    fix = (
        f"Renew the certificate of {facts.where}, and restart or reload the mail server: a renewed file that the server has not loaded is "
        "the usual "
        "reason. Then make the renewal automatic, with a reload after it, and check every address behind the name, IPv6 and spare servers "
        "too."
    )
    return Advice(meaning, _sender_instead(facts, fix), _on_each(facts, safe_commands.certificate))


def wrong_name(facts: Facts) -> Advice:
    """A certificate that does not name the MX host."""
    meaning = (
        f"The certificate that {facts.where} {'show' if facts.many else 'shows'} does not name the host ({facts.when}): the name in the "
        "MX record must be among "
        f"its subjectAltName entries, the name in the greeting is irrelevant. {_ENFORCE}"
    )
    fix = (
        f"Get a certificate with every MX host name as subjectAltName ({facts.where}), or let the MX record name the host that the "
        "certificate names. "
        "Where one server has several certificates, give it the right one for a client that sends that name (SNI), and as the default."
    )
    return Advice(meaning, _sender_instead(facts, fix), _on_each(facts, safe_commands.certificate))


def untrusted(facts: Facts) -> Advice:
    """A self-signed certificate, an unknown authority, an incomplete chain."""
    meaning = (
        f"The certificate of {facts.where} does not chain to a CA that the senders trust ({facts.when}): it is self-signed, its "
        "CA is not public, "
        f"or an intermediate certificate is missing. {_ENFORCE}"
    )
    fix = (
        f"Let {facts.where} send the full chain: the server's certificate first, then every intermediate, without the root (often the "
        "file is called "
        "fullchain.pem). If it is self-signed or from a private CA, get one from a public CA; a self-signed certificate works with "
        "DANE only."
    )
    return Advice(meaning, _sender_instead(facts, fix), _on_each(facts, safe_commands.chain, safe_commands.handshake))


def not_in_policy(facts: Facts) -> Advice:
    """An MX host outside the policy."""
    patterns = tuple(pattern for pattern in facts.patterns if safe_commands.is_host(pattern.removeprefix("*.")))
    listing = f" (it lists {listed(patterns)})" if patterns else ""
    deep = [p for p in patterns for host in safe_commands.shown(facts.hosts) if p.startswith("*.") and host.endswith(p[1:])]
    wildcard = f" {deep[0]} stands for exactly one label, so it does not cover {facts.where}." if deep else ""
    meaning = (
        f"The MX record of {facts.name} names {facts.where}, and the MTA-STS policy does not{listing} ({facts.when}).{wildcard} "
        "To a sender this looks like a foreign mail host inserted by an attacker. " + _ENFORCE
    )
    lines = "; ".join(f'"mx: {host}"' for host in safe_commands.shown(facts.hosts)[:3]) or "a line for every MX host"
    fix = (
        f"Add {lines} to the policy at https://mta-sts.{facts.name}/.well-known/mta-sts.txt, then change the id in the TXT record "
        f"_mta-sts.{facts.name}, in "
        "this order. If the host is not meant to receive mail, take it out of the MX records instead. Senders that hold the old text go "
        "on for up to its "
        f"max_age{f' ({facts.max_age_days} days)' if facts.max_age_days else ''}. Next time: first the policy, then the MX record."
    )
    return Advice(
        meaning, fix, (*safe_commands.mx(facts.domain), *safe_commands.policy(facts.domain), *safe_commands.sts_record(facts.domain))
    )


def starttls_missing(facts: Facts) -> Advice:
    """STARTTLS is not offered."""
    meaning = f"{sentence_start(facts.where)} did not offer STARTTLS {facts.when}, so mail would have gone unencrypted. {_ENFORCE}"
    fix = (
        f"Enable STARTTLS on {facts.where}, port 25: a mail server drops it silently when its certificate or key cannot be read, so "
        "read its log from "
        f"{facts.first_day} on. Also check what is in front of it: a firewall that inspects SMTP, a load balancer, a spam filter that "
        "answers first."
    )
    return Advice(meaning, fix, _on_each(facts, safe_commands.handshake))


def starttls_stripped(facts: Facts) -> Advice:
    """STARTTLS is missing for one sender only."""
    meaning = (
        f"Only sessions of {facts.senders} found no STARTTLS at {facts.where} ({facts.when}), while other senders were offered it there. "
        "Something "
        "between that network and your host strips STARTTLS from the EHLO response: a firewall that rewrites SMTP, or an attacker. MTA-STS "
        f"in mode enforce and DANE exist to stop this attack. {_ENFORCE}"
    )
    fix = (
        f"Compare what your host offers (the command below, from several networks) with what {facts.senders} was given: look for rules on "
        "your firewall "
        "and at your carrier that treat that sender's network differently, such as SMTP inspection or greylisting proxies. If your side "
        "is clean, "
        f"send the postmaster of {facts.senders} these numbers and the sending addresses. Switching to enforce protects that mail."
    )
    return Advice(meaning, fix, _on_each(facts, safe_commands.handshake))
