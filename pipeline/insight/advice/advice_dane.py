"""What to say about DANE: TLSA records, DNSSEC, and senders that demand them; and about failures without a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight import safe_commands
from pipeline.insight.advice.advice_facts import Advice
from pipeline.insight.detect.reason_codes import handshake_hint
from pipeline.insight.phrases import sentence_start

if TYPE_CHECKING:
    from pipeline.insight.advice.advice_facts import Facts

_REFUSES = "Senders that check DANE do not deliver until it is fixed: there is no testing mode in DANE."


def _each(facts: Facts) -> tuple[str, ...]:
    return safe_commands.shown(facts.hosts)[:3]


def tlsa(facts: Facts) -> Advice:
    """TLSA records that match nothing."""
    meaning = (
        f"None of the TLSA records of {facts.where} matched the certificate or key it presented {facts.when}; most often the key "
        f"was renewed before the new record was published. {_REFUSES}"
    )
    host = facts.host or "HOST"
    fix = (
        f"Publish a TLSA record for the key in use at _25._tcp.{host} ('3 1 1' and the digest that the second command below prints), and "
        "leave the old one for now. "
        "For the next roll-over: publish the record of the new key beside the old, wait until the old record set has left all caches "
        "(twice its TTL), "
        "then install the key, then remove the old record. Renewing a certificate with the same key changes nothing in a '3 1 1' record."
    )
    return Advice(
        meaning, fix, tuple(command for name in _each(facts) for command in (*safe_commands.tlsa(name), *safe_commands.key_digest(name)))
    )


def dnssec(facts: Facts) -> Advice:
    """DNSSEC that does not validate."""
    meaning = (
        f"The DNS answers about {facts.where} did not pass DNSSEC validation {facts.when}: signatures have expired, or the DS "
        f"record in the parent zone does not match the keys. {_REFUSES} Resolvers that validate may not find the host at all."
    )
    fix = (
        "Find the broken link with the commands below: expired RRSIG records mean that signing has stopped (look at the signer, and at "
        "its clock); a DS record "
        "without its DNSKEY means a key roll-over or a move of the zone that was not finished: put the right DS into the parent, or take "
        "it out until the "
        "zone is signed again. Answers stay in caches for their TTL."
    )
    return Advice(meaning, fix, tuple(command for name in _each(facts) or _domain(facts) for command in safe_commands.dnssec(name)))


def _domain(facts: Facts) -> tuple[str, ...]:
    return (facts.domain,) if safe_commands.is_host(facts.domain) else ()


def missing(facts: Facts) -> Advice:
    """A sender that demands DANE where there is none."""
    meaning = (
        f"{sentence_start(facts.senders)} is set to deliver to {facts.name} over DANE only, and found no TLSA record "
        "validated by DNSSEC for "
        f"{facts.where} ({facts.when}). Such a setting is agreed between the two sides, or dates from a time when the records existed. "
        f"{_REFUSES}"
    )
    host = facts.host or "HOST"
    fix = (
        f"If DANE is wanted: sign the zone of {host}, and publish '3 1 1' with the digest of its key at _25._tcp.{host}. If it was given "
        "up: tell the postmaster "
        f"of {facts.senders} to remove the requirement; MTA-STS does not satisfy it."
    )
    return Advice(
        meaning, fix, tuple(command for name in _each(facts) for command in (*safe_commands.tlsa(name), *safe_commands.key_digest(name)))
    )


def unknown(facts: Facts) -> Advice:
    """Failures whose cause nobody names."""
    hints = [hint for reason in facts.reasons if (hint := handshake_hint(reason)) is not None]
    bare = "" in facts.result_types and len(facts.result_types) == 1
    said = (
        "the sender reports counts without details"
        if bare
        else f"the reason it gives suggests: {hints[0]}"
        if hints
        else "the reason it gives does not identify the cause"
    )
    meaning = f"Sessions of {facts.senders} with {facts.where} failed {facts.when}; {said}. The reasons are shown as sent."
    fix = (
        f"Read the mail log of {facts.where} on these days for TLS errors with {facts.senders}, and try the handshake with the command "
        "below. Look for an old or "
        "single TLS version, a cipher list that is too narrow, a certificate of a rare type, and connections that are cut by a limit or a "
        "filter."
    )
    return Advice(meaning, fix, tuple(command for name in _each(facts) for command in safe_commands.handshake(name, facts.node)))
