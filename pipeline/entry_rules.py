"""Who may enter the page: that somebody must sign in, which claim of the provider is trusted, and who of those that sign in may see it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import ConfigError, UsageError
from pipeline.groups import is_meant

VERIFIED = "email_verified"
"""The claim by which a provider says that it has verified an address (OpenID Connect Core §5.1)."""
_MICROSOFT = re.compile(r"login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn|windows\.net|live\.com)|sts\.windows\.net")
_MANY_TENANTS = frozenset({"common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", ""})
_OF_MICROSOFT = frozenset({"xms_edov"})
"""What Microsoft says instead: whether the domain of the address belongs to the tenant."""
_PUBLIC = (
    "accounts.google.com", "appleid.apple.com", "facebook.com", "github.com", "gitlab.com", "bitbucket.org", "linkedin.com", "yahoo.com",
    "amazon.com", "paypal.com", "slack.com", "discord.com", "twitch.tv", "login.live.com", "id.me", "orcid.org", "line.me", "kakao.com",
    "salesforce.com", "login.yahoo.co.jp", "mail.ru", "yandex.ru", "yandex.com", "vk.com",
)  # fmt: skip
"""Hosts at which everybody can have an account."""


def sign_in_is_configured() -> bool:
    """Whether Streamlit has an OIDC provider: an `[auth]` section with a client in `.streamlit/secrets.toml`, here or at home."""
    return _provider() is not None


def _provider() -> str | None:
    """Return the address where the provider describes itself, where one is configured."""
    for folder in (Path.cwd(), Path.home()):
        secrets = folder / ".streamlit" / "secrets.toml"
        try:
            auth = tomllib.loads(secrets.read_text(encoding="utf-8")).get("auth", {})
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue
        if isinstance(auth, dict) and {"client_id", "server_metadata_url"} <= auth.keys():
            return str(auth["server_metadata_url"])
    return None


def refuse_open_door(address: str, allowed: Collection[str]) -> None:
    """Raise where anybody on the network could read the page.

    Raises:
        UsageError: Nobody has to sign in, or everybody with an account at the provider could.
    """
    if not sign_in_is_configured():
        raise UsageError(
            f"the page would listen on {address} for anybody; configure a sign-in ([auth] in .streamlit/secrets.toml), "
            "listen on 127.0.0.1, or say --without-sign-in if a proxy in front asks for it"
        )
    if not allowed:
        raise UsageError(
            f"the page would listen on {address} for everybody who has an account at the sign-in's provider; say who may see it with "
            '[dashboard] allow: addresses, domains as "@example.org", or "*" for everybody'
        )


def refuse_doubtful_claim(claim: str) -> None:
    """Raise where the claim that is trusted would admit addresses that nobody verified.

    A public provider lets everybody write any address into an account: only what it says it has verified is worth something.

    Raises:
        ConfigError: It would.
    """
    provider = _provider()
    if provider is None or claim == VERIFIED:
        return
    where = urlsplit(provider)
    host = (where.hostname or "").lower()
    many = _MICROSOFT.fullmatch(host) is not None and (where.path.strip("/").split("/")[0].lower() in _MANY_TENANTS)
    if many and claim in _OF_MICROSOFT:
        return
    if many or any(host == name or host.endswith(f".{name}") for name in _PUBLIC):
        instead = f", or take {min(_OF_MICROSOFT)!r}" if many else ""
        raise ConfigError(
            f"[dashboard] verified_claim = {claim!r} would admit addresses that {host} has not verified, and everybody can have an account "
            f"there; leave it at {VERIFIED!r}{instead}"
        )


def may_enter(who: Mapping[str, object], allowed: Collection[str], claim: str = VERIFIED) -> bool:
    """Whether somebody who has signed in may see the page.

    Args:
        who: What the provider says: `email` and the claim.
        allowed: Addresses, domains as `@example.org`, `*` for everybody; without any, nobody.
        claim: Which claim says that the address is verified; `email` where every address the provider gives is its own.
    """
    return is_verified(who, claim) and is_meant(who.get("email"), allowed)


def is_verified(who: Mapping[str, object], claim: str = VERIFIED) -> bool:
    """Whether the provider says that it has verified the address; parameters as `may_enter` has them."""
    if claim == "email" and who.get(VERIFIED) is None:
        return True  # it says nothing of it, and the operator vouches for its addresses
    return who.get(VERIFIED if claim == "email" else claim) in (True, "true", 1, "1")
