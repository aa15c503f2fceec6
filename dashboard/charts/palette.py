"""Colours that people with any colour vision tell apart (after Okabe and Ito), on light and dark ground."""

AUTHENTICATED = "#2A86C7"
FAILED = "#D55E00"
UNPROTECTED = "#9AA3AD"
SERIES = ("#2A86C7", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#A3A020", "#8A8F98")
INCOMPLETE_OPACITY = 0.35
"""Bars of days that may still get reports are paler."""
HEAT = ("#FBE3D3", "#F4BC93", "#E8863F")
"""Few to many failures; dark text can be read on all of them."""
NONE = "rgba(128, 138, 150, 0.13)"
"""A cell that counts none."""
CALM = ("#CFE3F2", "#8DBFE3", "#2A86C7")
"""Few to many sessions."""
TOOLTIP = {"renderMode": "richText", "confine": True}
"""Tooltips are drawn on the canvas: no text in them can be HTML."""
MARK = "#8a63d2"
"""Lines that mark a change; seen on light and dark ground."""
