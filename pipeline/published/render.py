"""A policy as the files and records to publish, in the order that breaks nothing, and the way back (RFC 8461 §3.2, §8.1, §8.3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.enforce.next_step import ONE_DAY
from pipeline.report.sts_policy import covers_host, policy_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.applied_policies import PublishedPolicy

_EOL = "\r\n"


class Rendered(NamedTuple):
    """A policy to publish."""

    domain: str
    policy: str
    """The text of the file, lines ending in CRLF."""
    id: str
    records: tuple[str, ...]
    """TXT records, to be published when the file is served."""
    servers: dict[str, str]
    """What a web server needs to serve the file, by its name."""
    order: tuple[str, ...]
    """What to do, in order."""
    way_back: tuple[str, ...]
    """How to take it back, and how long senders go on applying it."""


def patterns_for(published: PublishedPolicy | None, hosts: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Return the mx lines: those published, and every host that they do not cover.

    Args:
        published: The policy now published; None where there is none, or it is not known. The mx of one under mode none does not count.
        hosts: The MX hosts of the domain.
        more: Further hosts that are to be covered.
    """
    kept = published.mx if published is not None and published.mode != "none" else ()
    found = list(kept)
    for host in (*hosts, *more):
        if not covers_host(found, host):
            found.append(host)
    return tuple(found)


def _new_id(now: datetime, live: str | None) -> str:
    """Return an id that differs from the published one: the time, to the second (RFC 8461 §3.1)."""
    identity = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}"
    return identity if identity != live else f"{identity}x"


def age_for(mode: str, published: PublishedPolicy | None) -> int:
    """Return the max_age that a step begins with: short where the mode changes, as it is where it stays."""
    if published is not None and published.mode == mode and published.max_age_seconds:
        return published.max_age_seconds
    return ONE_DAY


def render(  # noqa: PLR0917 -- the parts of a policy
    domain: str, mode: str, max_age_seconds: int, mx: Sequence[str], now: datetime, live_id: str | None = None, tlsrpt: str = ""
) -> Rendered:
    """Write a policy.

    Args:
        domain: Lower-case A-label.
        mode: enforce, testing or none.
        max_age_seconds: How long senders may hold it.
        mx: The patterns; left out under none.
        now: The time, for the id.
        live_id: The published id, which the new one has to differ from.
        tlsrpt: The `_smtp._tls` record to publish beside it, where there is none.
    """
    lines = policy_lines(mode, max_age_seconds, () if mode == "none" else mx)
    identity = _new_id(now, live_id)
    host = f"mta-sts.{domain}"
    record = f'_mta-sts.{domain}. TXT "v=STSv1; id={identity};"'
    until = (now + timedelta(seconds=max_age_seconds)).astimezone(UTC)
    order = (
        f"serve the file at https://{host}/.well-known/mta-sts.txt, with a certificate that names {host}",
        f"fetch it from outside: curl -sS https://{host}/.well-known/mta-sts.txt",
        "then publish the TXT record with the new id: senders fetch the file when the id changes",
        f"look at it: tlsrpt check {domain}",
    )
    return Rendered(
        domain, _EOL.join((*lines, "")), identity, (record, *((tlsrpt,) if tlsrpt else ())), _servers(host), order, _back(mode, until)
    )


def _back(mode: str, until: datetime) -> tuple[str, ...]:
    if mode == "none":
        return ("serve the policy that was there before again, then change the id",)
    held = (
        f"a sender that has fetched it may go on applying it until its max_age has passed, {until:%Y-%m-%d %H:%M} UTC if it was fetched now"
    )
    if mode == "testing":
        return (f"serve it with `mode: none`, then change the id; {held}, which refuses no mail",)
    return (
        f"serve it with `mode: testing` (or `none`), then change the id: senders that check apply it at once; {held}",
        "never remove the file or the record instead: senders would apply what they hold to its end",
    )


def _servers(host: str) -> dict[str, str]:
    path = "/.well-known/mta-sts.txt"
    return {
        "nginx": f"""server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name {host};
    ssl_certificate     /etc/letsencrypt/live/{host}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/{host}/privkey.pem;
    location = {path} {{
        default_type text/plain;
        gzip off;
        alias /var/www/{host}/mta-sts.txt;
    }}
    location / {{ return 404; }}
}}
""",
        "caddy": f"""{host} {{
    handle {path} {{
        root * /var/www/{host}
        rewrite * /mta-sts.txt
        header Content-Type text/plain
        file_server
    }}
    respond 404
}}
""",
        "apache": f"""<VirtualHost *:443>
    ServerName {host}
    SSLEngine on
    SSLCertificateFile    /etc/letsencrypt/live/{host}/fullchain.pem
    SSLCertificateKeyFile /etc/letsencrypt/live/{host}/privkey.pem
    Alias "{path}" "/var/www/{host}/mta-sts.txt"
    <Directory "/var/www/{host}">
        Require all granted
        ForceType text/plain
        SetEnv no-gzip 1
    </Directory>
</VirtualHost>
""",
    }
