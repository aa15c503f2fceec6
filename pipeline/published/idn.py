"""Internationalised domain names: taken in Unicode or as A-labels, shown in both (RFC 5890, RFC 5891)."""

from __future__ import annotations


def a_label(name: str) -> str:
    """Return a name in lower-case A-labels; empty where it is none."""
    import idna

    if name.isascii():
        return name.lower()
    try:
        return idna.encode(name.strip().rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""


def shown(name: str) -> str:
    """Return a name as it is shown: an internationalised one in both forms."""
    import idna

    if not any(label.startswith("xn--") for label in name.split(".")):
        return name
    try:
        return f"{name} ({idna.decode(name)})"
    except (idna.IDNAError, UnicodeError):
        return name
