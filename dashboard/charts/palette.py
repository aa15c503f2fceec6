"""Colours that people with any colour vision tell apart (after Okabe and Ito), on light and dark ground."""

AUTHENTICATED = "#0072B2"
FAILED = "#D55E00"
UNPROTECTED = "#999999"
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B3A125", "#7F7F7F")
INCOMPLETE_OPACITY = 0.35
"""Bars of days that may still get reports are paler."""
