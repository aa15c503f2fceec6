"""Colours that people with any colour vision tell apart (after Okabe and Ito), on light and dark ground."""

from __future__ import annotations

from typing import Any

AUTHENTICATED = "#2A86C7"
FAILED = "#D55E00"
UNPROTECTED = "#9AA3AD"
SERIES = ("#2A86C7", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#A3A020", "#8A8F98")
OTHERS = "#8A8F98"
"""What has no colour of its own: result types no standard names, and whatever is summed up."""
RESULTS = {
    "certificate-expired": "#D55E00",
    "certificate-not-trusted": "#E69F00",
    "certificate-host-mismatch": "#CC79A7",
    "starttls-not-supported": "#A5522D",
    "validation-failure": "#D9B648",
    "sts-policy-fetch-error": "#009E73",
    "sts-policy-invalid": "#7FB069",
    "sts-webpki-invalid": "#A3A020",
    "tlsa-invalid": "#7A6CC4",
    "dnssec-invalid": "#B39DDB",
    "dane-required": "#5B3F8C",
}
"""The result types of RFC 8460 §4.3, each with one colour on every page: certificates warm, MTA-STS green, DANE violet."""
OUTCOMES = {
    "stored": AUTHENTICATED,
    "conflict": "#E69F00",
    "quarantined": FAILED,
    "duplicate": "#56B4E9",
    "not_tlsrpt": "#9AA3AD",
    "too_large": "#CC79A7",
    "expired": "#C9CFD6",
    "erased": "#6B727B",
}
"""What became of a message: other people's mail is grey, which needs nobody."""
_LIGHT = "rgba(255, 255, 255, 0.5)"
DECALS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [2, 4], "rotation": -0.785, "color": _LIGHT},
    {
        "symbol": "circle",
        "dashArrayX": [[5, 5], [0, 5, 5, 0]],
        "dashArrayY": [5, 0],
        "symbolSize": 0.7,
        "color": _LIGHT,
    },
    {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [1, 4], "color": _LIGHT},
)
"""Patterns that tell the parts of a bar apart without their colour."""
NARROW: dict[str, Any] = {"maxWidth": 480}
"""A chart on a phone."""
INCOMPLETE_OPACITY = 0.35
"""Bars of days that may still get reports are paler."""
HEAT = ("rgba(213, 94, 0, 0.22)", "rgba(213, 94, 0, 0.55)", "rgba(213, 94, 0, 0.95)")
"""Few to many failures; the ground shines through, so that few are faint on a light page and on a dark one."""
NONE = "rgba(128, 138, 150, 0.13)"
"""A cell that counts none."""
CALM = ("rgba(42, 134, 199, 0.22)", "rgba(42, 134, 199, 0.55)", "rgba(42, 134, 199, 0.95)")
"""Few to many sessions."""
IN_CELL = {"color": "#0A121B", "backgroundColor": "rgba(255, 255, 255, 0.8)", "padding": [2, 5], "borderRadius": 3}
"""A number in a cell, on a ground of its own: to be read on any colour, of a light page and of a dark one."""
TOOLTIP = {"renderMode": "richText", "confine": True}
"""Tooltips are drawn on the canvas: no text in them can be HTML."""
MARK = "#8a63d2"
"""Lines that mark a change; seen on light and dark ground."""
