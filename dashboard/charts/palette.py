"""Colours that people with any colour vision tell apart (after Okabe and Ito), on light and dark ground."""

AUTHENTICATED = "#2A86C7"
FAILED = "#D55E00"
UNPROTECTED = "#9AA3AD"
SERIES = ("#2A86C7", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#A3A020", "#8A8F98")
FAILURES = ("#D55E00", "#E69F00", "#CC79A7", "#009E73", "#56B4E9", "#A3A020", "#8A8F98", "#7A6CC4")
"""Kinds of failures: none of them has the colour of what went well."""
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
