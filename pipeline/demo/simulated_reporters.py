"""The eight reporters of a synthetic world: who they are, what they check, when they send.

Four are the real large ones by name, because the program ships with a list of known reporters; four are servers under documentation
names that run the software of that manner. What each leaves out of its reports is in `pipeline.demo.manners`.
"""

from __future__ import annotations

from typing import NamedTuple


class Reporter(NamedTuple):
    """One sender of reports."""

    key: str
    """Short name, used in world files and in the truth."""
    manner: str
    """Whose software writes its reports: a name of `pipeline.demo.manners.MANNERS`."""
    organization: str
    contact: str | None
    """contact-info; Stalwart sends null."""
    from_address: str
    signing_domain: str
    """d= of the DKIM signature; the submitter a verified report is counted for."""
    selector: str
    addresses: tuple[str, ...]
    """Its sending MTAs; the first half and the second half are two networks."""
    share: float
    """Share of a domain's sessions, relative to the other reporters."""
    hour: float
    """Hour (UTC) of the day after the report day when it sends, give or take `jitter_hours`."""
    jitter_hours: float = 0.3
    dane: str = "none"
    """none: knows no DANE; both: reports sts and tlsa for the same sessions; first: DANE where there is one, else MTA-STS (RFC 8461 §2)."""
    requires_dane: bool = False
    """Whether it demands DANE of every MX host, and says `dane-required` where there is none (RFC 7672 §6)."""
    refresh: str = "daily"
    """How it renews a held policy: daily: fetches every day; id: only when the TXT id changes or the policy has expired."""
    key_bits: int = 2048
    failures_only: bool = False
    """Whether it mails a report only about days with a failure (mox's default)."""
    at_host: bool = False
    """Whether it tells each session at the recipient domain and those under DANE again in a report about the MX host (mox)."""
    reports_a_day: int = 1

    @property
    def networks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Its addresses as two networks (a stripped STARTTLS hits one of them)."""
        half = max(1, len(self.addresses) // 2)
        return self.addresses[:half], self.addresses[half:]


def _addresses(third: int, count: int, *, six: int = 0) -> tuple[str, ...]:
    """Documentation addresses (RFC 5737, RFC 3849): two networks of 192.0.2.0/24 by last octet, some IPv6."""
    four = tuple(f"192.0.2.{third * 24 + 2 + n}" for n in range(count))
    return four + tuple(f"2001:db8:{third:x}::{n + 1:x}" for n in range(six))


REPORTERS: tuple[Reporter, ...] = (
    Reporter(
        key="google",
        manner="google",
        organization="Google Inc.",
        contact="smtp-tls-reporting@google.com",
        from_address="noreply-smtp-tls-reporting@google.com",
        signing_domain="google.com",
        selector="20251104",
        addresses=_addresses(0, 6, six=2),
        share=0.40,
        hour=15.7,
        jitter_hours=0.05,
    ),
    Reporter(
        key="microsoft",
        manner="microsoft",
        organization="Microsoft Corporation",
        contact="tlsrpt-noreply@microsoft.com",
        from_address="tlsrpt-noreply@microsoft.com",
        signing_domain="microsoft.com",
        selector="selector2",
        addresses=_addresses(1, 6),
        share=0.30,
        hour=21.0,
        jitter_hours=0.5,
        dane="both",
        refresh="id",
        key_bits=1024,
    ),
    Reporter(
        key="mailru",
        manner="mailru",
        organization="Mail.ru",
        contact="tls_support@corp.mail.ru",
        from_address="tls_support@corp.mail.ru",
        signing_domain="mail.ru",
        selector="mail4",
        addresses=_addresses(2, 4),
        share=0.10,
        hour=2.2,
        refresh="id",
    ),
    Reporter(
        key="fastmail",
        manner="fastmail",
        organization="Fastmail",
        contact="tlsrpt@fastmail.com",
        from_address="tlsrpt@fastmail.com",
        signing_domain="fastmail.com",
        selector="fm3",
        addresses=_addresses(3, 4),
        share=0.07,
        hour=4.5,
    ),
    Reporter(
        key="campus",
        manner="postfix",
        organization="Campus Computing Centre",
        contact="tlsrpt@campus.example",
        from_address="noreply-tlsrpt@campus.example",
        signing_domain="campus.example",
        selector="mta2024",
        addresses=_addresses(4, 4, six=1),
        share=0.05,
        hour=1.5,
        jitter_hours=1.2,
        dane="first",
        requires_dane=True,
    ),
    Reporter(
        key="studio",
        manner="stalwart",
        organization="studio.example",
        contact=None,
        from_address="noreply-tls@studio.example",
        signing_domain="studio.example",
        selector="202501r",
        addresses=_addresses(5, 2),
        share=0.03,
        hour=0.1,
        jitter_hours=0.05,
        dane="first",
        requires_dane=True,
        refresh="id",
    ),
    Reporter(
        key="garden",
        manner="mox",
        organization="garden.example",
        contact="postmaster@garden.example",
        from_address="postmaster@garden.example",
        signing_domain="garden.example",
        selector="2023a",
        addresses=_addresses(6, 2, six=1),
        share=0.02,
        hour=0.3,
        jitter_hours=0.15,
        dane="both",
    ),
    Reporter(
        key="parcel",
        manner="halon",
        organization="Parcel Mail Services",
        contact="tls-reports@parcel.example",
        from_address="tls-reports@parcel.example",
        signing_domain="parcel.example",
        selector="s1",
        addresses=_addresses(7, 4),
        share=0.04,
        hour=6.0,
        dane="first",
        refresh="id",
    ),
)
"""The eight, largest first."""


def _small(key: str, manner: str, third: int, **habits: object) -> Reporter:
    """Return a server under a documentation name, of some weight."""
    name = f"{key}.example"
    usual: dict[str, object] = {"share": 0.15, "hour": 1.0 + third / 10, "dane": "first", **habits}
    return Reporter(key, manner, name, f"tls@{name}", f"tls@{name}", name, "s1", _addresses(third, 4), **usual)  # type: ignore[arg-type]


FURTHER: dict[str, tuple[Reporter, ...]] = {
    "postfix": (_small("relay", "postfix", 0), _small("depot", "postfix", 1, share=0.1)),
    "mox": (_small("cabin", "mox", 2, at_host=True, dane="both"), _small("meadow", "mox", 3, dane="both")),
    "failures-only": (_small("attic", "mox", 4, failures_only=True, dane="both"), _small("cellar", "halon", 5, failures_only=True)),
    "both": (_small("ministry", "microsoft", 6, dane="both"), _small("agency", "microsoft", 7, dane="both")),
    "several-a-day": (_small("station", "halon", 8, reports_a_day=4), _small("ferry", "fastmail", 9, reports_a_day=24, dane="none")),
}
"""More servers by what is peculiar to them, for worlds that name them."""

BY_KEY: dict[str, Reporter] = {reporter.key: reporter for group in (REPORTERS, *FURTHER.values()) for reporter in group}

STRANGER = Reporter(
    key="stranger",
    manner="google",
    organization="Google Inc.",
    contact="smtp-tls-reporting@google.com",
    from_address="noreply-smtp-tls-reporting@google.com",
    signing_domain="mallory.example",
    selector="m1",
    addresses=("192.0.2.250",),
    share=0.0,
    hour=3.0,
)
"""Signs with a key of its own, honestly, and says that it is Google."""
