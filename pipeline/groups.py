"""Who reads which domains: `[[group]]` of the configuration, and what follows from what a provider says of somebody. Pure.

`Settings.limited_to` narrows the configuration to a group, and `query/views/group.sql` the rows; nothing else decides what a group sees.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from pydantic import field_validator

from pipeline.errors import UsageError
from pipeline.section import Section

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_ADDRESS = re.compile(r"[^@\s]*@[^@\s]+")
_CLAIM = re.compile(r"claim:([^=\s]+)=(.+)")
_SELF_SET = frozenset(
    {
        "email", "emails", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "unique_name", "profile",
        "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "address",
    }
)  # fmt: skip
"""Claims that whoever has an account may write into it, or that nobody has verified (OpenID Connect Core §5.1, §5.7)."""


class GroupSettings(Section):
    """`[[group]]`: readers who see some domains and nothing else."""

    name: str
    """For `--group`, files and the audit: lower-case letters, digits, `-` and `_`."""
    title: str = ""
    """What its readers and its reports call it; the name where it is empty."""
    members: tuple[str, ...] = ()
    """Who is in it: addresses, domains as `@example.org`, or what a claim of the provider has to say, as `claim:groups=clients`."""
    domains: tuple[str, ...]
    """What they see: names, or `*.example.org` for whatever is below one."""
    channels: tuple[str, ...] = ()
    """The `[[notify.channel]]` that are its own: they get its digest and its notices, and nothing of others."""
    token_file: str = ""
    """The secret by which a program reads its faults, readiness, coverage and sessions over HTTPS; without one none does."""
    token_env: str = ""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is not a name of lower-case letters, digits, - and _")
        return name

    @field_validator("members")
    @classmethod
    def _are_members(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        entries = tuple(entry.strip() for entry in members)
        if odd := [entry for entry in entries if not (_CLAIM.fullmatch(entry) or _ADDRESS.fullmatch(entry))]:
            raise ValueError(f'{odd[0][:80]!r} is not an address, a domain like "@example.org" or a claim like "claim:groups=clients"')
        claims = [claim[1] for entry in entries if (claim := _CLAIM.fullmatch(entry))]
        if doubtful := [name for name in claims if name.lower() in _SELF_SET]:
            raise ValueError(
                f"claim:{doubtful[0]} is what people may write into their account themselves; take one the provider gives, or an address"
            )
        return entries

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(_plain(domain) for domain in domains)
        if doubtful := [domain for domain in domains if _is_read_in_two_ways(domain)]:
            raise ValueError(f"{doubtful[0][:80]!r} is two domains, one by the older and one by the newer rules; write its A-label, xn--…")
        if not names:
            raise ValueError("it names no domain, and so nobody would see anything")
        if odd := [given for given, name in zip(domains, names, strict=True) if not _DOMAIN.fullmatch(name)]:
            raise ValueError(f'{odd[0][:80]!r} is not a domain like "example.org", or "*.example.org" for those below it')
        if wide := [name for name in names if name.startswith("*.") and name.count(".") == 1]:
            raise ValueError(f"{wide[0]!r} is everybody below a top-level domain, and not one client's")
        return names

    @field_validator("title")
    @classmethod
    def _is_a_line(cls, title: str) -> str:
        if not title.isprintable():
            raise ValueError("the title of a group is one line of text")
        return title

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name


class Audience(NamedTuple):
    """What the readers of some groups see together."""

    groups: tuple[str, ...]
    """The names of the groups, in the order of the configuration."""
    title: str
    """What they are called."""
    domains: tuple[str, ...]
    """Names they see."""
    below: tuple[str, ...] = ()
    """Endings with a dot in front: whatever ends so is seen, too."""

    def sees(self, domain: str) -> bool:
        """Whether a domain, as a lower-case A-label, is one of theirs."""
        return domain in self.domains or domain.endswith(self.below)

    def within(self, own: Sequence[str]) -> Audience:
        """Return the same as names alone, where it is known which domains are ours at all; without `own`, it is not."""
        if not own:
            return self
        return self._replace(domains=tuple(dict.fromkeys(name for name in own if self.sees(name))), below=())


def audience_of(groups: Sequence[GroupSettings]) -> Audience:
    """Return what the readers of these groups see: each adds to the others; of none, nothing."""
    domains = tuple(dict.fromkeys(domain for group in groups for domain in group.domains))
    return Audience(
        tuple(group.name for group in groups),
        " and ".join(group.called for group in groups),
        tuple(domain for domain in domains if not domain.startswith("*.")),
        tuple(domain.removeprefix("*") for domain in domains if domain.startswith("*.")),
    )


def named_groups(groups: Sequence[GroupSettings], names: Collection[str]) -> list[GroupSettings]:
    """Return the groups of these names.

    Raises:
        UsageError: There is none of one of them.
    """
    known = [group.name for group in groups]
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            listed = f"did you mean {close[0]}?" if close else f"there is {', '.join(known[:5])}" if known else "no [[group]] is configured"
            raise UsageError(f"there is no group {name[:80]!r}; {listed}")
    return [group for group in groups if group.name in names]


def groups_of(who: Mapping[str, object], groups: Sequence[GroupSettings], *, is_verified: bool) -> list[GroupSettings]:
    """Return the groups somebody is in.

    Args:
        who: What the provider says of them.
        groups: All there are.
        is_verified: Whether the provider has verified the address; otherwise it proves nothing, and claims alone are looked at.
    """
    return [group for group in groups if any(_is_member(who, entry, is_verified=is_verified) for entry in group.members)]


def _is_member(who: Mapping[str, object], entry: str, *, is_verified: bool) -> bool:
    if claim := _CLAIM.fullmatch(entry):
        said = who.get(claim[1])
        values = said if isinstance(said, list | tuple) else [said]
        return claim[2] in [value for value in values if isinstance(value, str)]
    if not is_verified:
        return False
    return is_meant(who.get("email"), [entry])


def is_meant(email: object, entries: Collection[str]) -> bool:
    """Whether an address that a provider gives is one of these, or at one of these domains (`@example.org`; `*`: at any).

    Case is nothing between A and Z alone: `str.lower` makes a k of the Kelvin sign, and so two people one.
    """
    given = _folded(email) if isinstance(email, str) else ""
    name, _, domain = given.rpartition("@")
    return bool(name and domain) and not {given, f"@{domain}", "*"}.isdisjoint(_folded(entry.strip()) for entry in entries)


def _folded(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def _is_read_in_two_ways(domain: str) -> bool:
    """Whether IDNA 2003, by which reports are read, makes another name of it than IDNA 2008, by which it was registered: ß, ς, joiners."""
    if domain.isascii():
        return False
    import idna

    name = domain.strip().rstrip(".").removeprefix("*.").lower()
    try:
        return idna.encode(name).decode("ascii") != name.encode("idna").decode("ascii")
    except UnicodeError:
        return False


def _plain(domain: str) -> str:
    name = domain.strip().rstrip(".").lower()
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
